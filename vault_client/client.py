"""Vault as the runtime uses it: logins, tokens, KV v2 and database credentials; async, over hvac in worker threads."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import hvac
import requests
from pydantic import SecretStr

from common.errors import CredentialMissing, InputError, VaultDenied
from common.workers import Workers
from tracing.wire import TracedSession
from vault_client.failures import translated
from vault_client.lease import Lease
from vault_client.models import DatabaseCredential, Entity, KVSecret, VaultToken

TIMEOUT_SECONDS = 5.0
"""How long one call to Vault may take; it answers in milliseconds when it is well."""

T = TypeVar("T")

_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*(?:/[A-Za-z0-9][A-Za-z0-9_.@-]*)*")


class Vault:
    """Vault (or OpenBao) at one address. Safe to use from several tasks, threads and event loops at once.

    Every method raises VaultUnavailable when Vault does not answer, is sealed or errs, VaultDenied
    for a 403, VaultError for any other refusal. ``clock`` gives seconds since the epoch.
    """

    def __init__(
        self,
        addr: str,
        *,
        namespace: str = "",
        timeout: float = TIMEOUT_SECONDS,
        kv_mount: str = "secret",
        database_mount: str = "database",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._addr = addr.rstrip("/")
        self._namespace = namespace
        self._kv_mount = kv_mount
        self._database_mount = database_mount
        self._clock = clock
        self._session = TracedSession(timeout=timeout)
        self._workers = Workers("vault")

    async def login_jwt(self, *, role: str, jwt: SecretStr, mount: str = "jwt") -> VaultToken:
        """Log in with a JWT (Vault API: POST auth/:mount/login). Raises VaultLoginRefused."""
        issued_at = self._clock()
        return await self._call(
            f"logging in as role {role}",
            None,
            lambda v: v.auth.jwt.jwt_login(role=role, jwt=jwt.get_secret_value(), use_token=False, path=mount),
            lambda answer: _token(answer, issued_at),
            role=role,
        )

    async def lookup_self(self, token: SecretStr) -> dict[str, Any]:
        """What Vault knows of ``token`` (Vault API: GET auth/token/lookup-self). VaultDenied once it is gone."""
        return await self._call(
            "looking up the token",
            token,
            lambda v: v.auth.token.lookup_self(),
            lambda answer: dict(answer["data"]),
        )

    async def renew_self(self, token: SecretStr) -> VaultToken:
        """Start the token's lifetime anew, within its maximum (Vault API: POST auth/token/renew-self)."""
        issued_at = self._clock()
        return await self._call(
            "renewing the token",
            token,
            lambda v: v.auth.token.renew_self(),
            lambda answer: _token(answer, issued_at),
        )

    async def revoke_self(self, token: SecretStr) -> None:
        """End the token and every lease it made (Vault API: POST auth/token/revoke-self); one already gone is fine."""
        try:
            await self._call("revoking the token", token, lambda v: v.auth.token.revoke_self(), lambda _: None)
        except VaultDenied:
            return

    async def entity(self, token: SecretStr, entity_id: str) -> Entity:
        """The caller's own entity (Vault API: GET identity/entity/id/:id, allowed by the policy `default`)."""
        return await self._call(
            "reading the identity entity",
            token,
            lambda v: v.secrets.identity.read_entity(entity_id=entity_id),
            lambda answer: _entity(answer["data"]),
        )

    async def kv_read(self, token: SecretStr, path: str) -> KVSecret:
        """The newest version of a KV v2 secret (Vault API: GET secret/data/:path).

        Raises CredentialMissing when there is none, or its newest version is deleted.
        """
        checked = _checked(path)
        return await self._call(
            f"reading {self.kv_path(path)}",
            token,
            lambda v: v.secrets.kv.v2.read_secret_version(
                path=checked, mount_point=self._kv_mount, raise_on_deleted_version=True
            ),
            lambda answer: _kv(answer["data"]),
            missing=self._no_secret(path),
        )

    async def kv_version(self, token: SecretStr, path: str) -> int:
        """The newest version's number, without its contents (Vault API: GET secret/metadata/:path)."""
        checked = _checked(path)
        return await self._call(
            f"reading {self._kv_mount}/metadata/{path}",
            token,
            lambda v: v.secrets.kv.v2.read_secret_metadata(path=checked, mount_point=self._kv_mount),
            lambda answer: _live_version(answer["data"], deleted=self._no_secret(path)),
            missing=self._no_secret(path),
        )

    def kv_path(self, path: str) -> str:
        """The path as Vault's policies and audit log name it."""
        return f"{self._kv_mount}/data/{path}"

    async def database_creds(self, token: SecretStr, role: str) -> DatabaseCredential:
        """A new database user (Vault API: GET database/creds/:role). CredentialMissing when there is no such role."""
        checked, issued_at = _checked(role), self._clock()
        return await self._call(
            f"making a database user at {self._database_mount}/creds/{role}",
            token,
            lambda v: v.secrets.database.generate_credentials(name=checked, mount_point=self._database_mount),
            lambda answer: DatabaseCredential(
                username=answer["data"]["username"],
                password=SecretStr(answer["data"]["password"]),
                lease=_lease(answer, issued_at),
            ),
            missing=CredentialMissing(
                f"There is no database role at {self._database_mount}/roles/{role}.",
                fix="An administrator adds a `postgres` entitlement in `init/users.yaml` and runs `./demo init`.",
            ),
        )

    async def renew_lease(self, token: SecretStr, lease: Lease) -> Lease:
        """Start a lease's time anew, within its maximum (Vault API: PUT sys/leases/renew)."""
        issued_at = self._clock()
        return await self._call(
            "renewing a lease",
            token,
            lambda v: v.sys.renew_lease(lease_id=lease.lease_id),
            lambda answer: _lease(answer, issued_at),
        )

    async def revoke_lease(self, token: SecretStr, lease: Lease) -> None:
        """End a lease now (Vault API: PUT sys/leases/revoke); needs a policy that allows it."""
        await self._call(
            "revoking a lease", token, lambda v: v.sys.revoke_lease(lease_id=lease.lease_id), lambda _: None
        )

    async def health(self) -> dict[str, Any]:
        """``initialized``, ``sealed``, ``standby``, ``version`` … (Vault API: GET sys/health), whatever its status."""
        return await self._call(
            "asking for its health", None, lambda v: v.sys.read_health_status(method="GET"), _health
        )

    async def close(self) -> None:
        """Close the connections."""
        self._workers.close()
        self._session.close()

    def _no_secret(self, path: str) -> CredentialMissing:
        return CredentialMissing(
            f"There is no credential at {self.kv_path(path)}.",
            fix="An administrator adds it in `init/users.yaml` and runs `./demo init`,"
            f" or writes it there: `bao kv put {self._kv_mount}/{path} …`.",
        )

    async def _call(
        self,
        doing: str,
        token: SecretStr | None,
        ask: Callable[[hvac.Client], Any],
        read: Callable[[Any], T],
        *,
        role: str = "",
        missing: CredentialMissing | None = None,
    ) -> T:
        """``read(ask(client))`` in a worker thread, with every failure translated."""

        def call() -> T:
            # `token=""`, not None: hvac would look for one in the environment and in ~/.vault-token.
            client = hvac.Client(
                url=self._addr,
                token=token.get_secret_value() if token else "",
                session=self._session,
                namespace=self._namespace or None,
                timeout=None,
                allow_redirects=False,
            )
            with translated(doing, role=role, missing=missing):
                return read(ask(client))

        return await self._workers.run(call)


def _token(answer: Any, issued_at: float) -> VaultToken:
    auth = answer["auth"]
    return VaultToken(
        token=SecretStr(auth["client_token"]),
        accessor=auth["accessor"],
        lease=Lease("", float(auth["lease_duration"]), issued_at=issued_at, renewable=bool(auth["renewable"])),
        entity_id=auth.get("entity_id") or "",
        policies=tuple(auth.get("policies") or ()),
        metadata=dict(auth.get("metadata") or {}),
    )


def _lease(answer: Any, issued_at: float) -> Lease:
    return Lease(
        answer["lease_id"], float(answer["lease_duration"]), issued_at=issued_at, renewable=bool(answer["renewable"])
    )


def _entity(data: Any) -> Entity:
    return Entity(
        id=data["id"], name=data["name"], disabled=bool(data.get("disabled")), metadata=dict(data.get("metadata") or {})
    )


def _kv(data: Any) -> KVSecret:
    return KVSecret(
        data={name: SecretStr(str(value)) for name, value in data["data"].items()},
        version=int(data["metadata"]["version"]),
        created_at=datetime.fromisoformat(data["metadata"]["created_time"]).timestamp(),
    )


def _live_version(data: Any, *, deleted: CredentialMissing) -> int:
    version = int(data["current_version"])
    newest = data["versions"].get(str(version))
    if newest is None or newest["destroyed"] or newest["deletion_time"]:
        raise deleted
    return version


def _health(answer: Any) -> dict[str, Any]:
    # Anything but 200 (429 standby, 501 not initialized, 503 sealed) comes back as a response.
    return dict(answer.json() if isinstance(answer, requests.Response) else answer)


def _checked(path: str) -> str:
    """``path`` itself, unless it could name another place (dots, escapes, empty segments): then InputError."""
    if not _PATH.fullmatch(path):
        raise InputError(
            "This name cannot be part of a Vault path.",
            fix="Use letters, digits, and `_ . @ -`, each part beginning with a letter or digit.",
        )
    return path
