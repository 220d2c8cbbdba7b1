"""Where a server looks when nothing is stored for the person: the account that the person connected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.errors import ScopeMissing, account_ended
from fastmcp_vault.accounts.store import AccountStore
from fastmcp_vault.credentials.connected import ConnectedAccount, ConnectedSource, StoredOrConnected
from fastmcp_vault.credentials.grant import HeldCredential
from fastmcp_vault.credentials.sources import KVSource, Source
from fastmcp_vault.errors import AccountEnded
from fastmcp_vault.server.context import ServerContext
from mcp_servers.parts import Parts
from mcp_servers.settings import RestSettings, ServerSettings

Headers = Mapping[str, str]
"""What a request carries of a person's credential."""


class Renewal:
    """A connected account that the back end did not take: its headers with a refreshed access token, once; and what is
    said when that one is not taken either. ``headers``: how they are made of an access token."""

    def __init__(
        self, room: ServerContext, held: HeldCredential[ConnectedAccount], headers: Callable[[SecretStr], Headers]
    ) -> None:
        self._room, self._held, self._headers = room, held, headers

    async def refreshed(self) -> Headers:
        """Raises AccountEnded where the provider honours it no more, and what :class:`Refresher` raises."""
        account = await self._room.credentials.again(self._held)
        return self._headers(account.access_token)

    def over(self, title: str) -> AccountEnded:
        """The refusal by the back end called ``title``: only the person can help, by connecting the account again."""
        credential = self._held.credential
        return account_ended(title, entity=self._held.entity, path=credential.path, provider=credential.provider)


class PersonsHeaders:
    """One person's credential as headers; ``renewal``: of a connected account."""

    def __init__(self, headers: Headers, renewal: Renewal | None = None) -> None:
        self._headers, self._renewal = headers, renewal

    @property
    def of_call(self) -> dict[str, Any]:
        """What :meth:`mcp_servers.rest.Rest.call` is given of them."""
        if self._renewal is None:
            return {"headers": self._headers}
        return {"headers": self._headers, "again": self._refreshed, "over": self._renewal.over}

    async def _refreshed(self) -> Headers:
        assert self._renewal is not None
        self._headers = await self._renewal.refreshed()
        return self._headers


def with_accounts(settings: ServerSettings, parts: Parts, source: Source[Any]) -> Source[Any]:
    """``source``, and where it has nothing, the person's connection, if there is a provider for this server."""
    provider = settings.providers().get(settings.server) if isinstance(settings, RestSettings) else None
    if provider is None or not isinstance(source, KVSource):
        return source
    store = AccountStore(parts.vault, provider=provider.name)
    client = ProviderClient(provider)
    return StoredOrConnected(source, ConnectedSource(store, client, parts.state, server=settings.server))


def require(room: ServerContext, held: HeldCredential[ConnectedAccount], *scopes: str) -> None:
    """Nothing, if the account was connected for these. Raises ScopeMissing, and then looks anew at the next call."""
    try:
        held.credential.require(*scopes)
    except ScopeMissing:
        room.credentials.doubt(held)
        raise


def renewing(room: ServerContext, held: HeldCredential[Any], headers: Callable[[SecretStr], Headers]) -> Renewal | None:
    """For a connected account; None where there is nothing to refresh."""
    return Renewal(room, held, headers) if isinstance(held.credential, ConnectedAccount) else None
