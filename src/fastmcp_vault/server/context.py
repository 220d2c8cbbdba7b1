"""What lives as long as a server and is found by its tools: callers' credentials, the back end, approvals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastmcp.server.dependencies import get_context

from fastmcp_vault.credentials.logins import Logins
from fastmcp_vault.credentials.manager import Credentials
from fastmcp_vault.server.profile import ServerProfile

if TYPE_CHECKING:
    from fastmcp_vault.state.account_requests import AccountRequests
    from fastmcp_vault.state.approvals import Approvals

KEY = "fastmcp-vault"
"""Where the context lies in FastMCP's lifespan context."""


@dataclass(frozen=True, slots=True)
class ServerContext:
    """What a tool's dependencies find."""

    profile: ServerProfile
    credentials: Credentials[Any]
    logins: Logins
    backend: Any
    approvals: Approvals
    account_requests: AccountRequests


def current_server() -> ServerContext:
    """The context of the server that serves this request."""
    found = get_context().lifespan_context[KEY]
    assert isinstance(found, ServerContext)
    return found
