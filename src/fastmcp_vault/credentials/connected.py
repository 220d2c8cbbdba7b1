"""A person's own account at a provider as a credential: the grant in Vault, its access token good to use."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import SecretStr

from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.errors import NoAccount, ScopeMissing
from fastmcp_vault.accounts.grant import ProviderAccount
from fastmcp_vault.accounts.provider import Provider
from fastmcp_vault.accounts.refresh import KeptGrant, Refresher
from fastmcp_vault.accounts.store import PATH, AccountStore
from fastmcp_vault.credentials.sources import Credential, KVSource, NothingStored, Source, StoredSecret, Unopened
from fastmcp_vault.errors import AccountEnded, CredentialMissing
from fastmcp_vault.masking import mask
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state.protocol import SharedState
from fastmcp_vault.vault import Vault, VaultToken


@dataclass(frozen=True, slots=True)
class ConnectedAccount(Credential):
    """An access token for the person's own account. ``refresh_at``: from then on the next call refreshes it; 0: never.

    Times in seconds since the epoch.
    """

    provider: str = ""
    account: ProviderAccount = field(default_factory=lambda: ProviderAccount("", ""))
    access_token: SecretStr = field(default_factory=lambda: SecretStr(""))
    scopes: tuple[str, ...] = ()
    refresh_at: float = 0.0
    refreshed_at: float = 0.0
    refreshed_by: str = ""

    def facts(self) -> dict[str, Any]:
        """Whose account it is, and what was granted."""
        refreshed = {"refreshed_at": self.refreshed_at, "refreshed_by": self.refreshed_by} if self.refreshed_at else {}
        return {"account": self.account.name, "provider": self.provider, "scopes": list(self.scopes), **refreshed}

    def has_time(self, now: float) -> bool:
        """Whether it may be used without being refreshed before."""
        return not self.refresh_at or now < self.refresh_at

    def require(self, *scopes: str) -> None:
        """Nothing, if the person granted these. Raises ScopeMissing: they are asked for it."""
        lacking = [scope for scope in scopes if scope not in self.scopes]
        if lacking:
            raise ScopeMissing(
                Sentence(
                    "{account} was connected without {scopes}.", account=self.account.name, scopes=", ".join(lacking)
                ),
                fix="Connect the account again, and agree to that too.",
                provider=self.provider,
                path=self.path,
            )


class ConnectedSource(Unopened):
    """Connections of one provider at one server."""

    def __init__(
        self,
        store: AccountStore,
        client: ProviderClient,
        state: SharedState,
        *,
        server: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.provider = client.provider
        self._store, self._client, self._clock = store, client, clock
        self._refresher = Refresher(store, client, state, server=server, replica=_replica(), clock=clock)

    async def read(self, login: VaultToken, entity: str) -> ConnectedAccount:
        """The connection, refreshed where that is due. Raises NoAccount, AccountEnded, ProviderUnavailable."""
        read_at = self._clock()
        try:
            return self._made(await self._refresher.usable(login, entity), entity, read_at)
        except CredentialMissing as missing:
            if isinstance(missing, AccountEnded):
                raise
            raise self.no_account(entity) from missing

    def no_account(self, entity: str) -> NoAccount:
        """The refusal of somebody who has connected nothing."""
        return NoAccount(
            Sentence("{entity} has connected no {title} account.", entity=entity, title=self.provider.title),
            fix="Connect it, on the app's page My secrets.",
            entity=entity,
            path=self._store.shown(entity),
            provider=self.provider.name,
        )

    async def holds(self, login: VaultToken, entity: str, credential: ConnectedAccount) -> bool:
        """Whether no newer version was written: by another replica's refresh, a new connection, or its end."""
        return await self._store.version(login, entity) == credential.version

    async def replaced(self, login: VaultToken, entity: str, stale: ConnectedAccount) -> ConnectedAccount:
        """A refreshed one, because the API does not take ``stale``, whatever its time."""
        read_at, refused = self._clock(), stale.version or 0
        return self._made(await self._refresher.usable(login, entity, refused=refused), entity, read_at)

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._refresher.close()
        await self._client.close()

    def _made(self, kept: KeptGrant, entity: str, read_at: float) -> ConnectedAccount:
        grant = kept.grant
        return ConnectedAccount(
            path=self._store.shown(entity),
            masked=f"{grant.account.name} · {mask(grant.access_token.get_secret_value())}",
            read_at=read_at,
            version=kept.version,
            written_at=grant.refreshed_at or grant.connected_at,
            provider=grant.provider,
            account=grant.account,
            access_token=grant.access_token,
            scopes=grant.scopes,
            refresh_at=grant.refresh_at(read_at),
            refreshed_at=grant.refreshed_at,
            refreshed_by=grant.refreshed_by,
        )


class StoredOrConnected(Unopened):
    """What an administrator stored for the person; where there is nothing, the account that the person connected."""

    def __init__(self, stored: KVSource, connected: ConnectedSource) -> None:
        self._stored, self._connected = stored, connected

    async def read(self, login: VaultToken, entity: str) -> Credential:
        """The credential. Raises NothingStored, which names the provider, where there is neither."""
        try:
            return await self._stored.read(login, entity)
        except NothingStored as nothing:
            try:
                return await self._connected.read(login, entity)
            except NoAccount:
                provider = self._connected.provider
                fix = Sentence(
                    "Connect your own {title} account, on the app's page My secrets. Or: {fix}",
                    title=provider.title,
                    fix=nothing.fix,
                )
                raise NothingStored(nothing.what, fix=fix, **nothing.detail, provider=provider.name) from None

    async def holds(self, login: VaultToken, entity: str, credential: Credential) -> bool:
        """Whether no newer version was written of the one that is used."""
        return await self._of(credential).holds(login, entity, credential)

    async def replaced(self, login: VaultToken, entity: str, stale: Credential) -> Credential:
        """Another one of the same kind."""
        return await self._of(stale).replaced(login, entity, stale)

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._connected.close()

    def _of(self, credential: Credential) -> Source[Credential]:
        return self._stored if isinstance(credential, StoredSecret) else self._connected  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class OAuthGrant:
    """The account that the caller connected at ``provider``, kept at ``path`` of the KV engine at ``mount``.

    ``path`` holds ``{entity}``, for which Vault's name of the caller is put. The tool gets a :class:`ConnectedAccount`
    whose access token is good to use. Connections are made by :class:`fastmcp_vault.accounts.client.ProviderClient`
    and :class:`fastmcp_vault.accounts.store.AccountStore`, in a program that people sign in to.
    """

    provider: Provider
    mount: str = "secret"
    path: str = PATH
    transport: httpx2.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        if "{entity}" not in self.path:
            raise ValueError("OAuthGrant: the path must hold {entity}, or everybody would get the same account")

    def source(
        self, vault: Vault, *, server: str, clock: Callable[[], float], state: SharedState
    ) -> Source[ConnectedAccount]:
        """The connections in Vault, and our client at the provider."""
        store = AccountStore(vault, provider=self.provider.name, path=self.path, mount=self.mount)
        client = ProviderClient(self.provider, transport=self.transport, clock=clock)
        return ConnectedSource(store, client, state, server=server, clock=clock)

    @asynccontextmanager
    async def opened(self, credential: ConnectedAccount) -> AsyncIterator[ConnectedAccount]:
        """The account itself."""
        yield credential


def _replica() -> str:
    """This process's name among the replicas: host and process id."""
    return f"{socket.gethostname()}/{os.getpid()}"
