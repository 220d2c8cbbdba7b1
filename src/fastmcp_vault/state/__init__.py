"""The shared state (database ``mcp_state``): what every replica must know, and the app's sessions."""

from fastmcp_vault.state.approvals import Approval, Approvals, Question
from fastmcp_vault.state.pending import FinishedLogins
from fastmcp_vault.state.sessions import Sessions, SignedIn, StoredSession
from fastmcp_vault.state.store import State, Suspension
from fastmcp_vault.state.vault_tokens import RegisteredToken, VaultTokens
from fastmcp_vault.state.workshop import Participant, Progress, Workshop

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
