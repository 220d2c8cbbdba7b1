"""The end of accounts that people connected: at the provider, then in Vault; what could not be ended there is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.grant import AccountGrant
from fastmcp_vault.accounts.provider import Provider
from fastmcp_vault.accounts.store import PATH
from fastmcp_vault.errors import Problem
from fastmcp_vault.vault.admin import VaultAdmin


@dataclass(frozen=True, slots=True)
class ConnectedPath:
    """One connection in Vault, by its path as policies name it without the mount."""

    name: str
    provider: str

    @property
    def path(self) -> str:
        """Below ``secret/data/`` and ``secret/metadata/``."""
        return PATH.format(entity=self.name, provider=self.provider)


def of_person(vault: VaultAdmin, name: str) -> list[ConnectedPath]:
    """What this person connected."""
    return [ConnectedPath(name, provider) for provider in vault.names(f"secret/metadata/users/{name}/accounts")]


def end(vault: VaultAdmin, found: ConnectedPath, providers: Mapping[str, Provider]) -> str:
    """End it at the provider, and destroy every version in Vault; why the provider did not end it, or ""."""
    left = _end_there(vault, found, providers)
    vault.delete(f"secret/metadata/{found.path}")
    return left


def end_all(vault: VaultAdmin, name: str, providers: Mapping[str, Provider]) -> Iterator[tuple[ConnectedPath, str]]:
    """Each of a person's connections, ended, and what the provider did not do."""
    for found in of_person(vault, name):
        yield found, end(vault, found, providers)


def _end_there(vault: VaultAdmin, found: ConnectedPath, providers: Mapping[str, Provider]) -> str:
    kept = vault.read(f"secret/data/{found.path}")
    data = (kept or {}).get("data") or {}
    if not data.get("access_token"):
        return ""
    if found.provider not in providers:
        return "this provider is not set up any more"
    try:
        fields = {name: SecretStr(str(value)) for name, value in data.items()}
        grant = AccountGrant.read(fields, path=found.path)
        asyncio.run(_revoked(providers[found.provider], grant))
    except Problem as problem:
        return problem.what
    return ""


async def _revoked(provider: Provider, grant: AccountGrant) -> None:
    client = ProviderClient(provider)
    try:
        await client.revoke(access_token=grant.access_token, refresh_token=grant.refresh_token)
    finally:
        await client.close()
