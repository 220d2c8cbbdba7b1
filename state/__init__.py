"""The shared state (database ``mcp_state``): what every replica must know, and the app's sessions."""

from state.pending import PendingLogins
from state.sessions import Sessions, SignedIn, StoredSession
from state.store import State, Suspension
from state.vault_tokens import RegisteredToken, VaultTokens

__all__ = [
    "PendingLogins",
    "RegisteredToken",
    "Sessions",
    "SignedIn",
    "State",
    "StoredSession",
    "Suspension",
    "VaultTokens",
]
