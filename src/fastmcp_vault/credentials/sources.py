"""Where a server's credentials lie in Vault: a person's KV secret, or database users made on request."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import SecretStr

from fastmcp_vault.errors import CredentialMissing
from fastmcp_vault.masking import mask
from fastmcp_vault.sentences import Sentence, joined
from fastmcp_vault.vault import DatabaseCredential, Lease, Vault, VaultToken
from fastmcp_vault.vault.models import NOT_TEXT, require_known

if TYPE_CHECKING:
    from fastmcp_vault.credentials.pools import LeasePool

MARGIN_SECONDS = 5.0
"""What is this near its end is not used any more: the call it is used for takes time too."""

OPEN_FIELDS = ("email", "login")
"""Fields of a stored secret that say whose it is, and open nothing."""


class NothingStored(CredentialMissing):
    """There is nothing at all at the path of a person's secret."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential; ``masked`` is what may be shown of it, ``read_at`` in seconds since the epoch.

    ``version`` is the KV version and ``written_at`` its time (seconds since the epoch), ``lease`` the database user's.
    ``username``: the user that Vault made on demand.
    """

    path: str
    masked: str
    read_at: float
    version: int | None = None
    written_at: float | None = None
    lease: Lease | None = None
    username: str = ""

    def facts(self) -> Mapping[str, Any]:
        """What a trace tells of this kind beside that."""
        return {}

    def has_time(self, now: float) -> bool:
        """Whether its own lease, if it has one, leaves time for a call."""
        return self.lease is None or self.lease.remaining(now) > MARGIN_SECONDS


@dataclass(frozen=True, slots=True)
class StoredSecret(Credential):
    """A KV secret's fields, each without the line break at its end: `kv put field=-` stores the one that was typed."""

    fields: Mapping[str, SecretStr] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatabaseUser(Credential):
    """A database user, with the connections that are open as that user."""

    pool: LeasePool | None = None


C = TypeVar("C", bound=Credential)


class Source(Protocol[C]):
    """How a credential is read, confirmed, renewed and ended. Each method may raise CredentialMissing,
    VaultDenied, VaultUnavailable; ``entity`` is Vault's name for the person."""

    async def read(self, login: VaultToken, entity: str) -> C:
        """The credential."""

    async def holds(self, login: VaultToken, entity: str, credential: C) -> bool:
        """Whether it is still the one to use; what it costs is one small question to Vault."""

    async def replaced(self, login: VaultToken, entity: str, stale: C) -> C:
        """Another one in place of ``stale``, which the back end does not take."""

    async def warm_up(self, credential: C) -> None:
        """Open ahead what its first use would have to open."""

    async def renew(self, login: VaultToken, lease: Lease) -> Lease:
        """The credential's lease, if it has one, with its time begun anew."""

    async def end(self, credential: C) -> None:
        """Close what was opened with it. Its lease ends with the Vault token."""


class Unopened:
    """The part of a source whose credentials have no lease, and with which nothing is opened."""

    async def warm_up(self, credential: Credential) -> None:
        """Nothing is to be opened."""

    async def renew(self, login: VaultToken, lease: Lease) -> Lease:
        """There is no lease."""
        return lease

    async def end(self, credential: Credential) -> None:
        """Nothing is open."""


class KVSource(Unopened):
    """``users/<entity>/<server>`` in the KV engine, with the fields that this server needs."""

    def __init__(
        self,
        vault: Vault,
        *,
        server: str,
        title: str,
        needs: Sequence[str],
        path: str = "",
        mount: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._template, self._mount = path or f"users/{{entity}}/{server}", mount
        self._vault, self._server, self._title, self._needs, self._clock = vault, server, title, needs, clock

    async def read(self, login: VaultToken, entity: str) -> StoredSecret:
        """The newest version. Raises CredentialMissing when it is not there, or lacks a field."""
        read_at = self._clock()
        path = self._vault.kv_path(self._path(entity), mount=self._mount)
        require_known(entity, path=path)
        try:
            secret = await self._vault.kv_read(login.token, self._path(entity), mount=self._mount)
        except CredentialMissing as problem:
            raise self._missing(entity, path) from problem
        wrong = [
            Sentence("`{name}` must be text, and is {kind}", name=name, kind=NOT_TEXT[secret.not_text[name]])
            for name in self._needs
            if name in secret.not_text
        ]
        if wrong:
            raise CredentialMissing(
                Sentence(
                    "{entity}'s {title} credential at {path} cannot be used: {faults}.",
                    entity=entity,
                    title=self._title,
                    path=path,
                    faults=joined("; ", wrong),
                ),
                fix=Sentence(
                    "An administrator writes {fields} there as text.",
                    fields=", ".join(f"`{n}`" for n in secret.not_text),
                ),
                entity=entity,
                path=path,
            )
        lacking = [name for name in self._needs if not _text(secret.data, name)]
        if lacking:
            raise CredentialMissing(
                Sentence(
                    "{entity}'s {title} credential at {path} lacks {fields}.",
                    entity=entity,
                    title=self._title,
                    path=path,
                    fields=", ".join(f"`{n}`" for n in lacking),
                ),
                fix="An administrator writes a complete one there.",
                entity=entity,
                path=path,
            )
        masked = " · ".join(masked_fields(secret.data).values())
        fields = {name: _without_last_line_break(value) for name, value in secret.data.items()}
        return StoredSecret(path, masked, read_at, version=secret.version, written_at=secret.created_at, fields=fields)

    async def holds(self, login: VaultToken, entity: str, credential: StoredSecret) -> bool:
        """Whether no newer version was written."""
        return await self._vault.kv_version(login.token, self._path(entity), mount=self._mount) == credential.version

    async def replaced(self, login: VaultToken, entity: str, stale: StoredSecret) -> StoredSecret:
        """What is stored now: it may have been changed since."""
        return await self.read(login, entity)

    def _path(self, entity: str) -> str:
        return self._template.replace("{entity}", entity)

    def _missing(self, entity: str, path: str) -> NothingStored:
        fields = ", ".join(f"`{name}`" for name in self._needs)
        return NothingStored(
            Sentence(
                "{entity} has no {title} credential: there is nothing at {path} in Vault.",
                entity=entity,
                title=self._title,
                path=path,
            ),
            fix=Sentence(
                "An administrator writes it to Vault at {secret}, with the fields {fields}.",
                secret=self._vault.kv_name(self._path(entity), mount=self._mount),
                fields=fields,
                server=self._server,
                entity=entity,
            ),
            entity=entity,
            path=path,
        )


class DatabaseSource:
    """``database/creds/<entity>``: a PostgreSQL role of the person's own that lives as long as its lease."""

    def __init__(
        self,
        vault: Vault,
        *,
        connect: Callable[[DatabaseCredential, str], Awaitable[LeasePool]],
        mount: str = "database",
        role: str = "{entity}",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vault, self._connect, self._clock = vault, connect, clock
        self._mount, self._role = mount, role

    async def read(self, login: VaultToken, entity: str) -> DatabaseUser:
        """A new database user. Raises CredentialMissing when this person may have none."""
        read_at = self._clock()
        role = self._role.replace("{entity}", entity)
        path = f"{self._mount}/creds/{role}"
        require_known(entity, path=path)
        try:
            made = await self._vault.database_creds(login.token, role, mount=self._mount)
        except CredentialMissing as problem:
            raise CredentialMissing(
                Sentence(
                    "{entity} has no PostgreSQL credential: there is no role {mount}/roles/{role} in Vault.",
                    entity=entity,
                    mount=self._mount,
                    role=role,
                ),
                fix=Sentence(
                    "An administrator makes the database role {role} at {mount} for {entity}.",
                    role=role,
                    mount=self._mount,
                    entity=entity,
                ),
                entity=entity,
                path=path,
            ) from problem
        masked = f"{made.username} · {mask(made.password.get_secret_value())}"
        pool = await self._connect(made, entity)
        return DatabaseUser(path, masked, read_at, lease=made.lease, username=made.username, pool=pool)

    async def holds(self, login: VaultToken, entity: str, credential: DatabaseUser) -> bool:
        """Whether the Vault token that made it is alive: the user goes with it."""
        await self._vault.lookup_self(login.token)
        return True

    async def replaced(self, login: VaultToken, entity: str, stale: DatabaseUser) -> DatabaseUser:
        """Another database user."""
        return await self.read(login, entity)

    async def warm_up(self, credential: DatabaseUser) -> None:
        """One connection, which the pool closes again if nobody comes; where there is no place for it, none."""
        if credential.pool is not None:
            with suppress(Exception):  # whatever it is, the first call meets it too, and tells it
                await credential.pool.give_back(await credential.pool.take())

    async def renew(self, login: VaultToken, lease: Lease) -> Lease:
        """The same user for longer."""
        return await self._vault.renew_lease(login.token, lease)

    async def end(self, credential: DatabaseUser) -> None:
        """Close the connections; those in use close when they are given back."""
        if credential.pool is not None:
            await credential.pool.close()


def masked_fields(data: Mapping[str, SecretStr]) -> dict[str, str]:
    """What may be shown of a stored secret: whose it is first, then what is secret, as for a database user."""
    return {
        name: _text(data, name) if name in OPEN_FIELDS else mask(_text(data, name))
        for name in sorted(data, key=lambda name: (name not in OPEN_FIELDS, name))
    }


def _without_last_line_break(value: SecretStr) -> SecretStr:
    return SecretStr(value.get_secret_value().rstrip("\r\n"))


def _text(data: Mapping[str, SecretStr], name: str) -> str:
    return data[name].get_secret_value() if name in data else ""
