"""Per-person Vault credentials for FastMCP servers.

The names below are loaded when they are first used, so that a program that needs one module pays for that one only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastmcp_vault.auth import Issuer, VaultAuth, VaultServer
    from fastmcp_vault.credentials.connected import ConnectedAccount, OAuthGrant
    from fastmcp_vault.credentials.database import DatabaseRole
    from fastmcp_vault.credentials.logins import TokenExchange
    from fastmcp_vault.credentials.sources import StoredSecret
    from fastmcp_vault.credentials.specs import KVSecret
    from fastmcp_vault.errors import Problem
    from fastmcp_vault.oidc.endpoints import Endpoints
    from fastmcp_vault.state.memory import MemoryState
    from fastmcp_vault.state.store import State as PostgresState

__version__ = "0.1.0"

_WHERE = {
    "ConnectedAccount": "credentials.connected",
    "DatabaseRole": "credentials.database",
    "Endpoints": "oidc.endpoints",
    "Issuer": "auth",
    "KVSecret": "credentials.specs",
    "MemoryState": "state.memory",
    "OAuthGrant": "credentials.connected",
    "PostgresState": "state.store:State",
    "Problem": "errors",
    "StoredSecret": "credentials.sources",
    "TokenExchange": "credentials.logins",
    "VaultAuth": "auth",
    "VaultServer": "auth",
}

__all__ = [
    "ConnectedAccount",
    "DatabaseRole",
    "Endpoints",
    "Issuer",
    "KVSecret",
    "MemoryState",
    "OAuthGrant",
    "PostgresState",
    "Problem",
    "StoredSecret",
    "TokenExchange",
    "VaultAuth",
    "VaultServer",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other = _WHERE[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), other or name)
