"""The shared state (database ``mcp_state``): what every replica must know, and the app's sessions."""

from state.pending import PendingLogins
from state.sessions import Sessions, SignedIn, StoredSession
from state.store import State, Suspension
from state.vault_tokens import RegisteredToken, VaultTokens
from state.workshop import Participant, Progress, Workshop

__all__ = [
    "Participant",
    "PendingLogins",
    "Progress",
    "RegisteredToken",
    "Sessions",
    "SignedIn",
    "State",
    "StoredSession",
    "Suspension",
    "VaultTokens",
    "Workshop",
]
