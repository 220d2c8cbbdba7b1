"""The shared state (database ``mcp_state``): what every replica must know, and the app's sessions."""

from state.approvals import Approval, Approvals, Question
from state.pending import FinishedLogins
from state.sessions import Sessions, SignedIn, StoredSession
from state.store import State, Suspension
from state.vault_tokens import RegisteredToken, VaultTokens
from state.workshop import Participant, Progress, Workshop

__all__ = [
    "Approval",
    "Approvals",
    "FinishedLogins",
    "Participant",
    "Progress",
    "Question",
    "RegisteredToken",
    "Sessions",
    "SignedIn",
    "State",
    "StoredSession",
    "Suspension",
    "VaultTokens",
    "Workshop",
]
