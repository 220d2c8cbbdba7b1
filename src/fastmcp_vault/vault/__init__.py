"""The Vault side: logins, leases, the cache that keeps a credential exactly as long as it may be kept, renewal."""

from fastmcp_vault.vault.cache import Cache
from fastmcp_vault.vault.client import Vault
from fastmcp_vault.vault.lease import Lease
from fastmcp_vault.vault.logins import Login
from fastmcp_vault.vault.models import DatabaseCredential, Entity, KVContents, KVVersion, StaticCredential, VaultToken
from fastmcp_vault.vault.renewer import Renewer, Schedule
from fastmcp_vault.vault.session import Persistence, VaultSession

__all__ = [
    "Cache",
    "DatabaseCredential",
    "Entity",
    "KVContents",
    "KVVersion",
    "Lease",
    "Login",
    "Persistence",
    "Renewer",
    "Schedule",
    "StaticCredential",
    "Vault",
    "VaultSession",
    "VaultToken",
]
