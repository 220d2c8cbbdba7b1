"""Agents that an administrator has stopped: themselves, or with the person that they belong to."""

from __future__ import annotations

from fastmcp_vault.errors import AccessSuspended, StateUnavailable
from fastmcp_vault.state import Principal, State
from services.agents.certificates import owner_of
from services.agents.errors import AgentSuspended, Unavailable

CLIENT_PREFIX = "agent-"
"""An agent is the client ``agent-NAME`` of the realm, whether its token comes from there or from our auth server."""


def require_admitted(state: State, agent: str, *, issuer: str) -> None:
    """Nothing, if neither the agent (``NAME``, ``OWNER:NAME``) nor its owner is suspended; ``issuer``: the realm's.

    The owner is known by their name, for that is what Vault writes into a certificate. Raises AgentSuspended, and
    Unavailable while it cannot be known.
    """
    try:
        state.check_principals(Principal("client", issuer, CLIENT_PREFIX + agent))
        if (owner := owner_of(agent)) and (person := state.suspended_person(owner)) is not None:
            state.check_principals(person)
    except AccessSuspended as suspended:
        raise AgentSuspended(suspended.what, fix=suspended.fix) from suspended
    except StateUnavailable as error:
        raise Unavailable(error.what, fix=error.fix) from error
