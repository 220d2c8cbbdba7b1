"""The keys that the library adds to ``_meta`` (MCP 2026-07-28, General fields), as they go over the wire."""

from __future__ import annotations

from typing import Final

TRACE_KEY: Final = "mcp-remote-vault/trace"
"""Of a request: true asks for the trace. Of a result: the trace."""

FRESH_KEY: Final = "mcp-remote-vault/fresh"
"""Of a request: true switches reuse off for this one call."""

ERROR_KEY: Final = "mcp-remote-vault/error"
"""Of the result of a failed call: the problem with its code."""

LIMITS_KEY: Final = "mcp-remote-vault/limits"
"""Of a result: what is left of the quotas of the person, the client and the tool."""

APPROVAL_KEY: Final = "mcp-remote-vault/approval"
"""Of a question for approval: the facts for a program, as the app's dialog shows them."""
