"""Vault's administrative side, for provisioning: read, list, write and delete a path, sync, each failure explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from hvac.api.system_backend import Health
from pydantic import SecretStr

from fastmcp_vault.errors import NotReady, VaultDenied, VaultError
from fastmcp_vault.http import sync_client
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.vault import answers
from fastmcp_vault.vault.adapter import SyncAdapter, anywhere
from fastmcp_vault.vault.failures import of_nothing_there, translated
from fastmcp_vault.vault.models import MADE_BY_VAULT

__all__ = ["CONNECTIONS", "MADE_BY_VAULT", "VaultAdmin"]

TIMEOUT_SECONDS = 30.0
"""A write that makes Vault connect to a database or fetch keys may take longer than a login."""

CONNECTIONS = 16


class VaultAdmin:
    """Vault at one address with one token. Safe to use from several threads at once.

    Paths are those of Vault's HTTP API without ``/v1/``. Every method raises VaultUnavailable,
    VaultDenied or VaultError.
    """

    def __init__(self, addr: str, token: SecretStr, *, namespace: str = "") -> None:
        self._place = urlsplit(addr).netloc
        self._http = sync_client(timeout=TIMEOUT_SECONDS, connections=CONNECTIONS)
        self._hvac = SyncAdapter(self._http, addr, token=token, namespace=namespace)

    def ready(self) -> None:
        """Return when Vault is initialized, unsealed and active (GET sys/health). Raises NotReady, VaultUnavailable."""
        health = self._ask("asking for its health", lambda: Health(self._hvac).read_health_status(method="GET"))
        for wrong, why in (
            (not health["initialized"], "it is not initialized"),
            (health["sealed"], "it is sealed; unseal it"),
            (health.get("standby"), "it is a standby"),
        ):
            if wrong:
                raise NotReady(Sentence("Vault is not ready: {why}.", why=why), fix="Wait until it is, then try again.")

    def read(self, path: str) -> dict[str, Any] | None:
        """The ``data`` at ``path``, or None when there is nothing."""
        return self._if_there(Sentence("reading {path}", path=path), lambda: self._hvac.get(anywhere(path)))

    def list(self, path: str) -> dict[str, Any]:
        """``keys`` and, where Vault tells it, ``key_info`` below ``path``; no keys when there is nothing."""
        return self._if_there(Sentence("listing {path}", path=path), lambda: self._hvac.list(anywhere(path))) or {
            "keys": []
        }

    def names(self, path: str) -> tuple[str, ...]:
        """What lies right below ``path``, folders left out."""
        return tuple(str(key) for key in self.list(path)["keys"] if not key.endswith("/"))

    def write(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        """Write ``data``; the answer's ``data``, or its ``auth``, or nothing."""
        answer = self._ask(Sentence("writing {path}", path=path), lambda: self._hvac.post(anywhere(path), json=data))
        return answers.written(answer)

    def wrapped(self, path: str, *, ttl: int) -> SecretStr:
        """Write at ``path``; the answer stays at Vault, in a wrapping token that opens once within ``ttl`` seconds."""
        answer = self._ask(
            Sentence("writing {path}", path=path), lambda: self._hvac.post(anywhere(path), json={}, wrap_ttl=f"{ttl}s")
        )
        return SecretStr(answer["wrap_info"]["token"])

    def delete(self, path: str) -> None:
        """Delete what is at ``path``; nothing there is fine."""
        self._ask(Sentence("deleting {path}", path=path), lambda: self._hvac.delete(anywhere(path)))

    def is_valid(self) -> bool:
        """True when Vault knows this token (GET auth/token/lookup-self)."""
        try:
            return self.read("auth/token/lookup-self") is not None
        except VaultDenied:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _if_there(self, doing: str, request: Callable[[], Any]) -> dict[str, Any] | None:
        try:
            answer = self._ask(doing, request)
        except VaultError as problem:
            if not of_nothing_there(problem):
                raise
            return None
        return dict(answer["data"])

    def _ask(self, doing: str, request: Callable[[], Any]) -> Any:
        """The JSON that Vault answers to ``request``, with every failure translated."""
        with translated(doing, at=self._place):
            return request()
