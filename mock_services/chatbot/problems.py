"""What goes wrong in a chat, as sentences for the one who chats."""

from __future__ import annotations

from fastmcp_vault.errors import Problem


class NewLoginNeeded(Problem):
    """Nobody is signed in for this chat, or no longer."""

    code, part = "new_login_needed", "session"


class RelayRefused(Problem):
    """The login relay gave no link."""

    code, part = "relay_refused", "backend"


class RelayUnavailable(Problem):
    """The login relay does not answer."""

    code, part, retryable = "relay_unavailable", "backend", True


class ToolFailed(Problem):
    """The MCP server, or its tool, answered with an error."""

    code, part = "tool_refused", "mcp"


class MessageRefused(Problem):
    """A message to the chatbot is not from whom it says, too old, or was sent before."""

    code, part = "refused", "input"
