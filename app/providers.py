"""Our client at each provider whose accounts people may connect."""

from __future__ import annotations

from collections.abc import Mapping

from app.texts import t
from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.provider import Provider
from fastmcp_vault.errors import InputError


class Providers:
    """Our client at each provider, by the name of the MCP server that uses the accounts."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._clients = {server: ProviderClient(provider) for server, provider in providers.items()}

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers whose accounts can be connected."""
        return tuple(self._clients)

    def client(self, server: str) -> ProviderClient:
        """Our client at that server's provider. Raises InputError."""
        if server not in self._clients:
            raise InputError(t("accounts.unknown"), fix=t("accounts.unknown.fix"))
        return self._clients[server]

    def __contains__(self, server: str) -> bool:
        return server in self._clients

    async def close(self) -> None:
        """Close the connections to the providers."""
        for client in self._clients.values():
            await client.close()
