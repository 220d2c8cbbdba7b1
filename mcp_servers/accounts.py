"""Where a server looks when nothing is stored for the person: the account that the person connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import SecretStr

from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.errors import ScopeMissing
from fastmcp_vault.accounts.store import AccountStore
from fastmcp_vault.credentials.connected import ConnectedAccount, ConnectedSource, StoredOrConnected
from fastmcp_vault.credentials.grant import HeldCredential
from fastmcp_vault.credentials.sources import KVSource, Source
from fastmcp_vault.server.context import ServerContext
from mcp_servers.parts import Parts
from mcp_servers.settings import RestSettings, ServerSettings

Again = Callable[[], Awaitable[Mapping[str, str]]]
"""Headers with another credential, once the back end did not take the first."""


class PersonsHeaders:
    """One person's credential as headers; ``again``: of a connected account, with a refreshed access token."""

    def __init__(self, headers: Mapping[str, str], again: Again | None = None) -> None:
        self._headers, self._again = headers, again

    @property
    def of_call(self) -> dict[str, Any]:
        """What :meth:`mcp_servers.rest.Rest.call` is given of them."""
        return {"headers": self._headers, "again": self._renewed if self._again is not None else None}

    async def _renewed(self) -> Mapping[str, str]:
        assert self._again is not None
        self._headers = await self._again()
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


def renewing(
    room: ServerContext, held: HeldCredential[Any], headers: Callable[[SecretStr], Mapping[str, str]]
) -> Again | None:
    """For a connected account: its access token refreshed, as ``headers``. None where there is nothing to refresh."""
    if not isinstance(held.credential, ConnectedAccount):
        return None

    async def again() -> Mapping[str, str]:
        account = await room.credentials.again(held)
        return headers(account.access_token)

    return again
