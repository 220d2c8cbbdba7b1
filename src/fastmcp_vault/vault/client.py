"""Vault as servers use it, through hvac: logins, tokens, KV v2 and database credentials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx2
from hvac.api.auth_methods import JWT, AppRole
from hvac.api.auth_methods import Token as TokenMethod
from hvac.api.secrets_engines import Database, Identity, KvV2
from hvac.api.system_backend import Health, Wrapping
from hvac.api.system_backend import Lease as Leases
from pydantic import SecretStr

from fastmcp_vault.errors import CredentialMissing, VaultDenied, VaultError, VersionChanged
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.vault import answers
from fastmcp_vault.vault.adapter import VaultRequest, anywhere
from fastmcp_vault.vault.calls import TIMEOUT_SECONDS, Calls
from fastmcp_vault.vault.failures import (
    APPROLE_WORDS,
    LoginWords,
    jwt_words,
    of_a_token_that_is_gone,
    of_another_version,
    of_nothing_there,
    translated,
)
from fastmcp_vault.vault.lease import Lease
from fastmcp_vault.vault.models import DatabaseCredential, Entity, KVContents, KVVersion, StaticCredential, VaultToken

T = TypeVar("T")


class Vault(Calls):
    """Vault (or OpenBao) at one address, for any number of tasks of one event loop.

    Every method raises VaultUnavailable when Vault does not answer, is sealed or errs, VaultDenied
    for a 403, VaultError for any other refusal, InputError before anything is sent when a name cannot be
    part of a path. ``clock`` gives seconds since the epoch. ``mount`` names another mount than this object's own.
    """

    def __init__(
        self,
        addr: str,
        *,
        namespace: str = "",
        timeout: float = TIMEOUT_SECONDS,
        max_response_size: int | None = None,
        kv_mount: str = "secret",
        database_mount: str = "database",
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            addr,
            namespace=namespace,
            timeout=timeout,
            max_response_size=max_response_size,
            transport=transport,
            clock=clock,
        )
        self._kv_mount = kv_mount
        self._database_mount = database_mount

    async def login_jwt(self, *, role: str, jwt: SecretStr, mount: str = "jwt") -> VaultToken:
        """Log in with a JWT (Vault API: POST auth/:mount/login). Raises VaultLoginRefused.

        If the caller is cancelled meanwhile, the token is revoked.
        """
        request = JWT(self._as(None)).jwt_login(role, jwt.get_secret_value(), use_token=False, path=mount)
        return await self._login(Sentence("logging in as role {role}", role=role), request, jwt_words(role))

    async def login_approle(self, *, role_id: str, secret_id: SecretStr, mount: str = "approle") -> VaultToken:
        """Log in as an application (Vault API: POST auth/:mount/login). Raises VaultLoginRefused.

        If the caller is cancelled meanwhile, the token is revoked.
        """
        request = AppRole(self._as(None)).login(
            role_id, secret_id.get_secret_value(), use_token=False, mount_point=mount
        )
        return await self._login("logging in with a secret id", request, APPROLE_WORDS)

    async def _login(self, doing: str, request: VaultRequest, words: LoginWords) -> VaultToken:
        issued_at = self._clock()
        login = self._call(doing, request, lambda answer: answers.token(answer, issued_at), login=words)
        return await self._or_undone(login, lambda made: self.revoke_self(made.token))

    async def lookup_self(self, token: SecretStr) -> dict[str, Any]:
        """What Vault knows of ``token`` (Vault API: GET auth/token/lookup-self). VaultDenied once it is gone."""
        return await self._call(
            "looking up the token", TokenMethod(self._as(token)).lookup_self(), lambda answer: dict(answer["data"])
        )

    async def examine(self, token: SecretStr) -> VaultToken:
        """``token`` with its lease and policies, as GET auth/token/lookup-self tells them. VaultDenied once it is gone.

        A lease's full life is its period, or what it was made with. Vault tells whole seconds.
        """
        now = self._clock()
        return await self._call(
            "looking up the token",
            TokenMethod(self._as(token)).lookup_self(),
            lambda answer: answers.looked_up(token, answer, now),
        )

    async def renew_self(self, token: SecretStr) -> VaultToken:
        """Start the token's lifetime anew, within its maximum (Vault API: POST auth/token/renew-self)."""
        issued_at = self._clock()
        return await self._call(
            "renewing the token",
            TokenMethod(self._as(token)).renew_self(),
            lambda answer: answers.token(answer, issued_at),
        )

    async def revoke_self(self, token: SecretStr) -> None:
        """End the token and every lease it made (Vault API: POST auth/token/revoke-self); one already gone is fine.

        VaultDenied when no policy of the token lets it end itself: it lives on.
        """
        try:
            await self._call("revoking the token", TokenMethod(self._as(token)).revoke_self(), _nothing)
        except VaultDenied as denied:
            if not of_a_token_that_is_gone(denied):
                raise

    async def unwrap(self, wrapping: SecretStr) -> dict[str, Any]:
        """What a wrapping token holds, once (Vault API: POST sys/wrapping/unwrap).

        VaultError when it was used before, or its time is over.
        """
        return await self._call(
            "opening a wrapping token",
            Wrapping(self._as(wrapping)).unwrap(),
            lambda answer: dict(answer["data"]),
        )

    async def revoke_accessor(self, token: SecretStr, accessor: str) -> None:
        """End another token, and every lease it made (Vault API: POST auth/token/revoke-accessor); gone is fine."""
        try:
            await self._call(
                "revoking a token by its accessor", TokenMethod(self._as(token)).revoke_accessor(accessor), _nothing
            )
        except VaultError as problem:
            if "invalid accessor" not in problem.what:
                raise

    async def entity(self, token: SecretStr, entity_id: str) -> Entity:
        """The caller's own entity (Vault API: GET identity/entity/id/:id, allowed by the policy `default`)."""
        return await self._call(
            "reading the identity entity",
            Identity(self._as(token)).read_entity(entity_id),
            lambda answer: answers.entity(answer["data"]),
        )

    async def kv_read(self, token: SecretStr, path: str, *, version: int | None = None, mount: str = "") -> KVContents:
        """One version of a KV v2 secret, the newest unless told (Vault API: GET :mount/data/:path).

        Raises CredentialMissing when there is none, or that version is deleted.
        """
        request = KvV2(self._as(token)).read_secret_version(
            path, version=version, mount_point=mount or self._kv_mount, raise_on_deleted_version=True
        )
        return await self._call(
            Sentence("reading {path}", path=self.kv_path(path, mount=mount)),
            request,
            lambda answer: answers.kv(answer["data"]),
            missing=self._no_secret(path, mount),
        )

    async def kv_version(self, token: SecretStr, path: str, *, mount: str = "") -> int:
        """The newest version's number, without its contents (Vault API: GET :mount/metadata/:path)."""
        return await self._metadata(
            token,
            path,
            mount,
            lambda answer: answers.live_version(answer["data"], deleted=self._no_secret(path, mount)),
        )

    async def kv_versions(self, token: SecretStr, path: str, *, mount: str = "") -> list[KVVersion]:
        """The versions that are kept, the newest first, without their contents (Vault API: GET :mount/metadata/:path).

        Raises CredentialMissing when there are none.
        """
        return await self._metadata(token, path, mount, lambda answer: answers.versions(answer["data"]))

    async def _metadata(self, token: SecretStr, path: str, mount: str, read: Callable[[Any], T]) -> T:
        where = mount or self._kv_mount
        return await self._call(
            Sentence("reading {where}/metadata/{path}", where=where, path=path),
            KvV2(self._as(token)).read_secret_metadata(path, mount_point=where),
            read,
            missing=self._no_secret(path, mount),
        )

    async def kv_write(
        self, token: SecretStr, path: str, data: Mapping[str, str], *, cas: int | None = None, mount: str = ""
    ) -> int:
        """Write a new version of a KV v2 secret; its number (Vault API: POST :mount/data/:path).

        With ``cas`` only if the newest version is that one (0: only if there is none yet); otherwise VersionChanged.
        """
        request = KvV2(self._as(token)).create_or_update_secret(
            path, dict(data), cas=cas, mount_point=mount or self._kv_mount
        )
        try:
            return await self._call(
                Sentence("writing {path}", path=self.kv_path(path, mount=mount)),
                request,
                lambda answer: int(answer["data"]["version"]),
            )
        except VaultError as refused:
            if not of_another_version(refused):
                raise
            raise VersionChanged(refused.what, fix="Read it again.") from refused

    async def kv_destroy(self, token: SecretStr, path: str, versions: Sequence[int], *, mount: str = "") -> None:
        """Destroy the contents of these versions for good; of none is fine (Vault API: POST :mount/destroy/:path)."""
        if not versions:
            return
        request = KvV2(self._as(token)).destroy_secret_versions(
            path, list(versions), mount_point=mount or self._kv_mount
        )
        await self._call(
            Sentence("destroying versions of {path}", path=self.kv_path(path, mount=mount)), request, _nothing
        )

    async def kv_custom(self, token: SecretStr, path: str, *, mount: str = "") -> dict[str, str]:
        """What is told beside a secret, for whom may not read it (Vault API: GET :mount/metadata/:path).

        Empty where there is nothing.
        """
        try:
            return await self._metadata(
                token, path, mount, lambda answer: dict(answer["data"].get("custom_metadata") or {})
            )
        except CredentialMissing:
            return {}

    async def kv_tell(self, token: SecretStr, path: str, told: Mapping[str, str], *, mount: str = "") -> None:
        """Tell this beside a secret (Vault API: POST :mount/metadata/:path)."""
        request = KvV2(self._as(token)).update_metadata(
            path, custom_metadata=dict(told), mount_point=mount or self._kv_mount
        )
        await self._call(Sentence("telling about {path}", path=self.kv_path(path, mount=mount)), request, _nothing)

    async def kv_remove(self, token: SecretStr, path: str, *, mount: str = "") -> None:
        """Remove a secret with all its versions; nothing there is fine (Vault API: DELETE :mount/metadata/:path)."""
        request = KvV2(self._as(token)).delete_metadata_and_all_versions(path, mount_point=mount or self._kv_mount)
        await self._call(Sentence("removing {path}", path=self.kv_path(path, mount=mount)), request, _nothing)

    def kv_path(self, path: str, *, mount: str = "") -> str:
        """The path as Vault's policies and audit log name it."""
        return f"{mount or self._kv_mount}/data/{path}"

    def kv_name(self, path: str, *, mount: str = "") -> str:
        """The path as people and the command ``kv put`` name it."""
        return f"{mount or self._kv_mount}/{path}"

    async def read(self, token: SecretStr, path: str) -> dict[str, Any] | None:
        """The ``data`` at any path of Vault's API (without ``/v1/``), or None when there is nothing."""
        request = self._as(token).get(anywhere(path))
        return await self._if_there(Sentence("reading {path}", path=path), request, lambda answer: dict(answer["data"]))

    async def list_keys(self, token: SecretStr, path: str) -> list[str]:
        """The keys below ``path``; none when there is nothing."""
        request = self._as(token).list(anywhere(path))
        keys = await self._if_there(
            Sentence("listing {path}", path=path), request, lambda answer: [str(key) for key in answer["data"]["keys"]]
        )
        return keys or []

    async def _if_there(self, doing: str, request: VaultRequest, read: Callable[[Any], T]) -> T | None:
        try:
            return await self._call(doing, request, read)
        except VaultError as problem:
            if not of_nothing_there(problem):
                raise
            return None

    async def write(self, token: SecretStr, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Write ``data`` at any path of Vault's API; the answer's ``data``, or its ``auth``, or nothing."""
        request = self._as(token).post(anywhere(path), json=dict(data))
        return await self._call(Sentence("writing {path}", path=path), request, answers.written)

    async def delete(self, token: SecretStr, path: str) -> None:
        """Delete what is at any path of Vault's API; nothing there is fine."""
        await self._call(Sentence("deleting {path}", path=path), self._as(token).delete(anywhere(path)), _nothing)

    async def database_creds(self, token: SecretStr, role: str, *, mount: str = "") -> DatabaseCredential:
        """A new database user (Vault API: GET :mount/creds/:role). CredentialMissing when there is no such role."""
        where, issued_at = mount or self._database_mount, self._clock()
        return await self._call(
            Sentence("making a database user at {where}/creds/{role}", where=where, role=role),
            Database(self._as(token)).generate_credentials(role, mount_point=where),
            lambda answer: answers.database_user(answer, issued_at),
            missing=CredentialMissing(
                Sentence("There is no database role at {where}/roles/{role}.", where=where, role=role),
                fix="An administrator makes the role.",
            ),
        )

    async def database_static_creds(self, token: SecretStr, role: str, *, mount: str = "") -> StaticCredential:
        """A database user whose password Vault changes in turn (Vault API: GET :mount/static-creds/:role)."""
        where, issued_at = mount or self._database_mount, self._clock()
        return await self._call(
            Sentence("reading {where}/static-creds/{role}", where=where, role=role),
            Database(self._as(token)).get_static_credentials(role, mount_point=where),
            lambda answer: answers.static_user(answer, issued_at),
            missing=CredentialMissing(
                Sentence("There is no static database role at {where}/static-roles/{role}.", where=where, role=role),
                fix="An administrator makes the static role.",
            ),
        )

    async def renew_lease(self, token: SecretStr, lease: Lease) -> Lease:
        """Start a lease's time anew, within its maximum (Vault API: PUT sys/leases/renew)."""
        issued_at = self._clock()
        return await self._call(
            "renewing a lease",
            Leases(self._as(token)).renew_lease(lease.lease_id),
            lambda answer: answers.lease(answer, issued_at),
        )

    async def health(self) -> dict[str, Any]:
        """``initialized``, ``sealed``, ``standby``, ``version`` … (Vault API: GET sys/health), whatever its status.

        Asked even while the circuit is open, and no sign of life for it: a sealed Vault answers this and nothing else.
        """
        with translated("asking for its health", at=self._place):
            return dict(await Health(self._as(None)).read_health_status(method="GET"))

    def _no_secret(self, path: str, mount: str) -> CredentialMissing:
        return CredentialMissing(
            Sentence("There is no credential at {path}.", path=self.kv_path(path, mount=mount)),
            fix=Sentence(
                "An administrator writes it to Vault at {secret}.",
                secret=self.kv_name(path, mount=mount),
            ),
        )


def _nothing(_: Any) -> None:
    """What is done with an answer that tells nothing."""
