"""One tool call at an MCP server, in plain HTTP: the protocol needs no library for a single stateless request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2
from pydantic import SecretStr

from fastmcp_vault.errors import ServerUnavailable
from fastmcp_vault.meta import ERROR_KEY
from fastmcp_vault.sentences import Sentence
from mock_services.chatbot.problems import ToolFailed

PROTOCOL = "2026-07-28"
_META = "io.modelcontextprotocol"

_ENDED = frozenset({"session_ended", "token_invalid"})


class ToolTokenRefused(ToolFailed):
    """The token is expired, or its session has ended: the server answered 401, or the call found out on its way."""


async def call(
    http: httpx2.AsyncClient, url: str, token: SecretStr, tool: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The tool's structured content (MCP 2026-07-28, Tools). Raises TokenRefused, ToolFailed, ServerUnavailable."""
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": dict(arguments),
            "_meta": {
                f"{_META}/protocolVersion": PROTOCOL,
                f"{_META}/clientInfo": {"name": "mock-chatbot", "version": "1.0.0"},
                f"{_META}/clientCapabilities": {},
            },
        },
    }
    headers = {
        "Authorization": f"Bearer {token.get_secret_value()}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": PROTOCOL,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    try:
        answer = await http.post(url, json=request, headers=headers)
        body = json.loads(answer.content) if answer.status_code == 200 else {}
    except (httpx2.HTTPError, ValueError) as error:
        raise ServerUnavailable("The Jira MCP server did not answer the chatbot.", fix="Try again.") from error
    if answer.status_code == 401:
        raise _refused()
    if answer.status_code != 200 or "result" not in body:
        raise ToolFailed(
            Sentence("The Jira MCP server refused the call (HTTP {status_code}).", status_code=answer.status_code)
        )
    result = body["result"]
    if result.get("isError"):
        told = (result.get("_meta") or {}).get(ERROR_KEY)
        if isinstance(told, Mapping) and told.get("code") in _ENDED:
            raise _refused()
        raise ToolFailed(" ".join(part.get("text", "") for part in result.get("content", [])).strip())
    return dict(result.get("structuredContent") or {})


def _refused() -> ToolTokenRefused:
    return ToolTokenRefused("The Jira MCP server refused the token.", fix="Ask for a new login link.")
