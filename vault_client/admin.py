"""Vault's administrative side, for provisioning: read, list, write and delete a path, sync, each failure explained."""

from __future__ import annotations

from typing import Any, cast

import hvac
from pydantic import SecretStr

from common.errors import NotReady, VaultDenied
from common.http import TimedSession
from vault_client.failures import translated

TIMEOUT_SECONDS = 30.0
"""A write that makes Vault connect to a database or fetch keys may take longer than a login."""

CONNECTIONS = 16


class VaultAdmin:
    """Vault at one address with one token. Safe to use from several threads at once.

    Paths are those of Vault's HTTP API without ``/v1/``. Every method raises VaultUnavailable,
    VaultDenied or VaultError.
    """

    def __init__(self, addr: str, token: SecretStr, *, namespace: str = "") -> None:
        self._session = TimedSession(timeout=TIMEOUT_SECONDS, connections=CONNECTIONS)
        self._client = hvac.Client(
            url=addr.rstrip("/"),
            token=token.get_secret_value(),
            session=self._session,
            namespace=namespace or None,
            timeout=None,
            allow_redirects=False,
        )

    def ready(self) -> None:
        """Return when Vault is initialized, unsealed and active (GET sys/health). Raises NotReady, VaultUnavailable."""
        with translated("asking for its health"):
            answer = self._client.sys.read_health_status(method="GET")
        if not isinstance(answer, dict):
            raise NotReady(
                f"Vault is not ready: it answers HTTP {answer.status_code} to a health check.",
                fix="429: a standby; 501: not initialized; 503: sealed, unseal it.",
            )

    def read(self, path: str) -> dict[str, Any] | None:
        """The ``data`` at ``path``, or None when there is nothing."""
        with translated(f"reading {path}"):
            answer = self._client.read(path)
        return None if answer is None else cast(dict[str, Any], answer["data"])

    def list(self, path: str) -> dict[str, Any]:
        """``keys`` and, where Vault tells it, ``key_info`` below ``path``; no keys when there is nothing."""
        with translated(f"listing {path}"):
            answer = self._client.list(path)
        return {"keys": []} if answer is None else cast(dict[str, Any], answer["data"])

    def write(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        """Write ``data``; what Vault answered (its ``data``, empty when it answers nothing)."""
        with translated(f"writing {path}"):
            answer = self._client.write_data(path, data=data)
        return cast(dict[str, Any], answer.get("data") or {}) if isinstance(answer, dict) else {}

    def wrapped(self, path: str, *, ttl: int) -> SecretStr:
        """Write at ``path``; the answer stays at Vault, in a wrapping token that opens once within ``ttl`` seconds."""
        with translated(f"writing {path}"):
            answer = self._client.write_data(path, wrap_ttl=f"{ttl}s")
        return SecretStr(answer["wrap_info"]["token"])

    def delete(self, path: str) -> None:
        """Delete what is at ``path``; nothing there is fine."""
        with translated(f"deleting {path}"):
            self._client.delete(path)

    def is_valid(self) -> bool:
        """True when Vault knows this token (GET auth/token/lookup-self)."""
        try:
            return self.read("auth/token/lookup-self") is not None
        except VaultDenied:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
