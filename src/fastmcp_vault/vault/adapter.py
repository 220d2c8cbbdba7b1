"""hvac over this process's own HTTP clients: its API classes spell paths and parameters, these two adapters send them.

``AsyncAdapter`` is for servers: every method of an hvac API class returns a :class:`VaultRequest`, which is sent when
it is awaited. ``SyncAdapter`` is for provisioning. hvac in this use: call its login methods with ``use_token=False``,
because they would look for the token in a request that was not sent yet; and pass ``raise_on_deleted_version=True``,
because hvac's own handling of a deleted version catches an exception that is raised later.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Container, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote

import httpx2
from hvac.adapters import JSONAdapter
from hvac.utils import format_url
from pydantic import SecretStr

from fastmcp_vault.errors import InputError, VaultDenied
from fastmcp_vault.vault.failures import ANY, GOOD, understood

_PATH = re.compile(r"/v1/[A-Za-z0-9][A-Za-z0-9_.@-]*(?:/[A-Za-z0-9][A-Za-z0-9_.@-]*)*")


class _Adapter(JSONAdapter):  # type: ignore[misc]
    """What both adapters share: from what an hvac method passes to what is sent.

    JSONAdapter's own ``__init__`` is not called: it would make a ``requests`` session that nobody uses.
    """

    def __init__(self, addr: str, *, token: SecretStr | None = None, namespace: str = "") -> None:
        self.base_uri, self.namespace = addr.rstrip("/"), namespace
        self.token = token

    def as_token(self, token: SecretStr | None) -> Self:
        """The same adapter with another token; the HTTP client is shared."""
        other = copy.copy(self)
        other.token = token
        return other

    def _prepared(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        """The arguments of the HTTP client's ``request``. Raises InputError and VaultDenied before anything is sent.

        The body is JSON in ASCII, whatever characters a person gave.
        """
        body, ttl = given.get("json"), given.get("wrap_ttl")
        return {
            "method": method.upper(),
            # hvac escapes what it is given: a name such as alice@example.com is a path as it stands.
            "url": self.base_uri + checked(unquote(url)),
            "headers": {
                **headers(self.token, namespace=self.namespace),
                **(given.get("headers") or {}),
                **({"X-Vault-Wrap-TTL": str(ttl)} if ttl else {}),
            },
            "content": None if body is None else json.dumps(body).encode("ascii"),
            "params": given.get("params") or None,
        }


@dataclass(frozen=True, slots=True)
class VaultRequest:
    """A request that an hvac method put together. Awaiting it sends it and gives the JSON of the answer, None if empty.

    Raises Refusal for a status that is not ``good``, ValueError for an answer that is not JSON, httpx2.HTTPError.
    """

    http: httpx2.AsyncClient = field(repr=False)
    arguments: Mapping[str, Any] = field(repr=False)
    good: Container[int] = GOOD

    def __await__(self) -> Generator[Any, None, Any]:
        return self._sent().__await__()

    async def _sent(self) -> Any:
        answer = await self.http.request(**self.arguments)
        return understood(answer.status_code, answer.content, good=self.good)


class AsyncAdapter(_Adapter):
    """hvac's adapter over an async client: ``request`` returns a :class:`VaultRequest`, to be awaited."""

    def __init__(
        self, http: httpx2.AsyncClient, addr: str, *, token: SecretStr | None = None, namespace: str = ""
    ) -> None:
        super().__init__(addr, token=token, namespace=namespace)
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        raise_exception: bool = True,
        **kwargs: Any,
    ) -> VaultRequest:
        """One request as a value. Raises InputError, VaultDenied (see :meth:`_Adapter._prepared`)."""
        arguments = self._prepared(method, url, headers=headers, **kwargs)
        return VaultRequest(self._http, arguments, GOOD if raise_exception else ANY)


class SyncAdapter(_Adapter):
    """hvac's adapter over a sync client, whose answers and failures are read as the async one's are."""

    def __init__(self, http: httpx2.Client, addr: str, *, token: SecretStr, namespace: str = "") -> None:
        super().__init__(addr, token=token, namespace=namespace)
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        raise_exception: bool = True,
        **kwargs: Any,
    ) -> Any:
        """The JSON of the answer, None if it is empty. Raises Refusal for a status that is no success, ValueError."""
        answer = self._http.request(**self._prepared(method, url, headers=headers, **kwargs))
        return understood(answer.status_code, answer.content, good=GOOD if raise_exception else ANY)


def headers(token: SecretStr | None, *, namespace: str = "") -> dict[str, str]:
    """What every request carries (Vault API: authentication, namespaces, the X-Vault-Request header).

    A listener may insist on X-Vault-Request: what a browser or a careless server was tricked into sending has none.
    Raises VaultDenied for a token that no header can hold: the caller's mistake, and no sign of Vault's health.
    """
    value = token.get_secret_value() if token else ""
    if not (value.isascii() and value.isprintable()):
        raise VaultDenied("This is not a Vault token.", fix="Sign in again.")
    return {
        "X-Vault-Request": "true",
        "Content-Type": "application/json",
        **({"X-Vault-Token": value} if value else {}),
        **({"X-Vault-Namespace": namespace} if namespace else {}),
    }


def checked(path: str) -> str:
    """``path`` (``/v1/…``) itself, unless it could name another place (dots, escapes, empty segments): InputError."""
    if not _PATH.fullmatch(path):
        raise InputError(
            "This name cannot be part of a Vault path.",
            fix="Use letters, digits, and `_ . @ -`, each part beginning with a letter or digit.",
        )
    return path


def anywhere(path: str) -> str:
    """Any path of Vault's API (without ``/v1/``), escaped as hvac's own methods do it."""
    return str(format_url("/v1/{path}", path=path))
