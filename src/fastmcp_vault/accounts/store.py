"""Where connected accounts lie: one KV path for each person and provider, of which only the newest version is kept."""

from __future__ import annotations

from fastmcp_vault.accounts.grant import AccountGrant, ConnectionFacts
from fastmcp_vault.vault import Vault, VaultToken

PATH = "users/{entity}/accounts/{provider}"
"""Below it Vault's policies decide: a person's MCP server reads and replaces, the app's connector writes only."""


class AccountStore:
    """One provider's connections. Every method raises what :class:`fastmcp_vault.vault.Vault` raises."""

    def __init__(self, vault: Vault, *, provider: str, path: str = PATH, mount: str = "") -> None:
        self._vault, self._path, self._mount = vault, path.replace("{provider}", provider), mount

    def shown(self, entity: str) -> str:
        """The path as policies and the audit log name it."""
        return self._vault.kv_path(self._at(entity), mount=self._mount)

    async def read(self, login: VaultToken, entity: str) -> tuple[AccountGrant, int]:
        """The connection and its version. Raises CredentialMissing where there is none."""
        found = await self._vault.kv_read(login.token, self._at(entity), mount=self._mount)
        return AccountGrant.read(found.data, path=self.shown(entity)), found.version

    async def version(self, login: VaultToken, entity: str) -> int:
        """The newest version's number. Raises CredentialMissing where there is none."""
        return await self._vault.kv_version(login.token, self._at(entity), mount=self._mount)

    async def facts(self, login: VaultToken, entity: str) -> ConnectionFacts | None:
        """What may be told of it, for whom may not read it; None where there is none."""
        told = await self._vault.kv_custom(login.token, self._at(entity), mount=self._mount)
        return ConnectionFacts.read(told) if told else None

    async def write(self, login: VaultToken, entity: str, grant: AccountGrant, *, instead_of: int | None = None) -> int:
        """Keep this one from now on; its version. What it replaces goes with :meth:`tidy`.

        ``instead_of``: only if that version is still the newest. Raises VersionChanged.
        """
        fields = grant.fields()
        return await self._vault.kv_write(login.token, self._at(entity), fields, cas=instead_of, mount=self._mount)

    async def tidy(self, login: VaultToken, entity: str, grant: AccountGrant, version: int) -> None:
        """Destroy what ``version`` replaced, and tell what may be told of it."""
        at, mount = self._at(entity), self._mount
        older = [one.number for one in await self._vault.kv_versions(login.token, at, mount=mount) if not one.gone]
        await self._vault.kv_destroy(login.token, at, [n for n in older if n < version], mount=mount)
        await self._vault.kv_tell(login.token, at, ConnectionFacts.of(grant).metadata(), mount=mount)

    async def remove(self, login: VaultToken, entity: str) -> None:
        """Every version, and what was told of them; nothing there is fine."""
        await self._vault.kv_remove(login.token, self._at(entity), mount=self._mount)

    def _at(self, entity: str) -> str:
        return self._path.replace("{entity}", entity)
