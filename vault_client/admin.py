"""Vault's administrative side, for provisioning: read, list, write and delete a path, sync, each failure explained."""

from __future__ import annotations

from collections.abc import Container
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from common.errors import NotReady, VaultDenied, VaultError
from common.http import sync_client
from vault_client import answers
from vault_client.asking import headers
from vault_client.failures import ANY, GOOD, of_nothing_there, translated, understood

TIMEOUT_SECONDS = 30.0
"""A write that makes Vault connect to a database or fetch keys may take longer than a login."""

CONNECTIONS = 16


class VaultAdmin:
    """Vault at one address with one token. Safe to use from several threads at once.

    Paths are those of Vault's HTTP API without ``/v1/``. Every method raises VaultUnavailable,
    VaultDenied or VaultError.
    """

    def __init__(self, addr: str, token: SecretStr, *, namespace: str = "") -> None:
        self._addr = addr.rstrip("/")
        self._http = sync_client(timeout=TIMEOUT_SECONDS, connections=CONNECTIONS)
        self._headers = headers(token, namespace=namespace)

    def ready(self) -> None:
        """Return when Vault is initialized, unsealed and active (GET sys/health). Raises NotReady, VaultUnavailable."""
        status, _ = self._ask("asking for its health", "GET", "sys/health", good=ANY)
        if status != HTTPStatus.OK:
            raise NotReady(
                f"Vault is not ready: it answers HTTP {status} to a health check.",
                fix="429: a standby; 501: not initialized; 503: sealed, unseal it.",
            )

    def read(self, path: str) -> dict[str, Any] | None:
        """The ``data`` at ``path``, or None when there is nothing."""
        return self._if_there(f"reading {path}", "GET", path)

    def list(self, path: str) -> dict[str, Any]:
        """``keys`` and, where Vault tells it, ``key_info`` below ``path``; no keys when there is nothing."""
        return self._if_there(f"listing {path}", "LIST", path) or {"keys": []}

    def write(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        """Write ``data``; the answer's ``data``, or its ``auth``, or nothing."""
        _, answer = self._ask(f"writing {path}", "POST", path, data)
        return answers.written(answer)

    def wrapped(self, path: str, *, ttl: int) -> SecretStr:
        """Write at ``path``; the answer stays at Vault, in a wrapping token that opens once within ``ttl`` seconds."""
        _, answer = self._ask(f"writing {path}", "POST", path, {}, {"X-Vault-Wrap-TTL": f"{ttl}s"})
        return SecretStr(answer["wrap_info"]["token"])

    def delete(self, path: str) -> None:
        """Delete what is at ``path``; nothing there is fine."""
        self._ask(f"deleting {path}", "DELETE", path)

    def is_valid(self) -> bool:
        """True when Vault knows this token (GET auth/token/lookup-self)."""
        try:
            return self.read("auth/token/lookup-self") is not None
        except VaultDenied:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _if_there(self, doing: str, method: str, path: str) -> dict[str, Any] | None:
        try:
            _, answer = self._ask(doing, method, path)
        except VaultError as problem:
            if not of_nothing_there(problem):
                raise
            return None
        return dict(answer["data"])

    def _ask(
        self,
        doing: str,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        more: dict[str, str] | None = None,
        *,
        good: Container[int] = GOOD,
    ) -> tuple[int, Any]:
        """The status and the JSON of the answer."""
        with translated(doing, at=urlsplit(self._addr).netloc):
            answer = self._http.request(
                method, f"{self._addr}/v1/{path}", json=body, headers={**self._headers, **(more or {})}
            )
            return answer.status_code, understood(answer.status_code, answer.content, good=good)
