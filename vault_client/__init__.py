"""The Vault side: logins, leases, the cache that keeps a credential exactly as long as it may be kept, renewal."""

from vault_client.cache import Cache, CacheStatistics
from vault_client.client import Vault
from vault_client.lease import Lease
from vault_client.logins import Login
from vault_client.models import DatabaseCredential, Entity, KVSecret, KVVersion, StaticCredential, VaultToken
from vault_client.renewer import Renewer, Schedule
from vault_client.session import Persistence, VaultSession

__all__ = [
    "Cache",
    "CacheStatistics",
    "DatabaseCredential",
    "Entity",
    "KVSecret",
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
