"""The state that replicas share: its protocol, in memory, and in PostgreSQL (extra ``postgres``, loaded when named)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastmcp_vault.state.memory import MemoryState
from fastmcp_vault.state.protocol import Principal, RegisteredToken, SharedState

if TYPE_CHECKING:
    from fastmcp_vault.state.approvals import Approval, Approvals, Question
    from fastmcp_vault.state.pending import FinishedLogins
    from fastmcp_vault.state.principals import PrincipalSuspension, SuspendedPrincipals
    from fastmcp_vault.state.sessions import SessionStore, SignedIn, StoredSession
    from fastmcp_vault.state.store import State, Suspension
    from fastmcp_vault.state.vault_tokens import VaultTokens
    from fastmcp_vault.state.workshop import FailedCheck, Participant, Workshop, WorkshopBoard, WorkshopProgress

_IN_POSTGRESQL = {
    "Approval": "approvals",
    "Approvals": "approvals",
    "FinishedLogins": "pending",
    "FailedCheck": "workshop",
    "Participant": "workshop",
    "WorkshopBoard": "workshop",
    "WorkshopProgress": "workshop",
    "PrincipalSuspension": "principals",
    "Question": "approvals",
    "SessionStore": "sessions",
    "SignedIn": "sessions",
    "State": "store",
    "StoredSession": "sessions",
    "SuspendedPrincipals": "principals",
    "Suspension": "store",
    "VaultTokens": "vault_tokens",
    "Workshop": "workshop",
}

__all__ = [
    "Approval",
    "Approvals",
    "FailedCheck",
    "FinishedLogins",
    "MemoryState",
    "Participant",
    "Principal",
    "PrincipalSuspension",
    "Question",
    "RegisteredToken",
    "SessionStore",
    "SharedState",
    "SignedIn",
    "State",
    "StoredSession",
    "SuspendedPrincipals",
    "Suspension",
    "VaultTokens",
    "Workshop",
    "WorkshopBoard",
    "WorkshopProgress",
]


def __getattr__(name: str) -> Any:
    """Load what needs psycopg when it is first named (PEP 562)."""
    if name not in _IN_POSTGRESQL:
        raise AttributeError(name)
    return getattr(import_module(f"fastmcp_vault.state.{_IN_POSTGRESQL[name]}"), name)
