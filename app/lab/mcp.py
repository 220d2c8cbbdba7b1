"""Plain requests to MCP servers, as attacks send them: no client in between that would put anything right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from app.lab.attack import AttackAnswer, AttackContext, json_body, tool_answer

PROTOCOL = "2025-06-18"
"""The revision whose requests need no more than a POST."""

ASKABLE = "2026-07-28"
"""The revision in which a server may ask for a person's yes before it does something."""


async def knock(shot: AttackContext, token: str, *, server: str = "jira", **more: Any) -> AttackAnswer:
    """``tools/list`` with this token: what a server answers to whoever it lets in."""
    return tool_answer(await send(shot, token, {"method": "tools/list", "params": {}}, server=server, **more))


async def use(shot: AttackContext, server: str, tool: str, arguments: Mapping[str, Any]) -> AttackAnswer:
    """One tool, with the attacker's own good token."""
    token = await shot.arms.server_token(server)
    asked = {"method": "tools/call", "params": {"name": tool, "arguments": dict(arguments)}}
    return tool_answer(await send(shot, token, asked, server=server))


async def insist(shot: AttackContext, server: str, tool: str, arguments: Mapping[str, Any]) -> AttackAnswer:
    """A tool that asks before it writes, with the attacker's own token: attackers say yes to themselves."""
    token = await shot.arms.server_token(server)
    headers = {"MCP-Protocol-Version": ASKABLE, "Mcp-Method": "tools/call", "Mcp-Name": tool}
    prefix = "io.modelcontextprotocol/"
    meta = {
        f"{prefix}protocolVersion": ASKABLE,
        f"{prefix}clientInfo": {"name": "lab", "version": "1"},
        f"{prefix}clientCapabilities": {"elicitation": {"form": {}}},
    }
    params: dict[str, Any] = {"name": tool, "arguments": dict(arguments), "_meta": meta}
    first = await send(shot, token, {"method": "tools/call", "params": params}, server=server, headers=headers)
    body = json_body(first)
    result = body.get("result")
    if not isinstance(result, dict) or not result.get("inputRequests"):
        return tool_answer(first)
    yes = {"action": "accept", "content": {"approve": True}}
    params |= {
        "requestState": result.get("requestState"),
        "inputResponses": dict.fromkeys(result["inputRequests"], yes),
    }
    asked = {"method": "tools/call", "params": params}
    return tool_answer(await send(shot, token, asked, server=server, headers=headers))


async def send(
    shot: AttackContext,
    token: str,
    asked: Mapping[str, Any],
    *,
    server: str = "jira",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> httpx2.Response:
    """One JSON-RPC request (MCP 2025-06-18, Streamable HTTP); without a token when it is empty."""
    sent = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": PROTOCOL,
        **({"Authorization": f"Bearer {token}"} if token else {}),
        **(headers or {}),
    }
    body = {"jsonrpc": "2.0", "id": 1, **asked}
    return await shot.wire.post(shot.targets.mcp[server], headers=sent, json=body, params=query)
