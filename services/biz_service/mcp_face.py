"""The same work as MCP tools, for an agent that speaks MCP: the same token, the same scopes, the same refusals."""

from __future__ import annotations

from typing import Any, Literal

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_http_request
from mcp_types import ToolAnnotations
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from common.speech import said_problem
from fastmcp_vault.errors import Problem
from services.agents.http import refusal
from services.biz_service.gate import AgentCaller, Gate
from services.biz_service.work import NewCommand, Result, Work
from services.web import spoken_by

PATH = "/mcp"
_CALLER = "agent_caller"

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)


def build(work: Work) -> FastMCP[Any]:
    """The tools; who calls them has been found out by :class:`Face`."""
    mcp: FastMCP[Any] = FastMCP(
        name="Business service (mcp-remote-vault)",
        instructions="Commands for the agent whose token is sent, and reports on them.",
        mask_error_details=True,
        on_duplicate="error",
    )

    @mcp.tool(annotations=_READS)
    async def list_commands() -> dict[str, Any]:
        """The commands that wait for this agent, the oldest first. Needs the scope agent:commands."""
        return await _told(work.commands(_caller()))

    @mcp.tool(annotations=_READS)
    async def get_config() -> dict[str, Any]:
        """How this agent shall behave: intervals and limits. Needs the scope agent:commands."""
        return await _told(work.config(_caller()))

    @mcp.tool(annotations=_READS)
    async def whoami() -> dict[str, Any]:
        """Whom this service takes the agent for, and with which scopes."""
        return work.whoami(_caller())

    @mcp.tool(annotations=_WRITES)
    async def submit_result(
        command_id: str, status: Literal["completed", "failed"], result: dict[str, Any]
    ) -> dict[str, Any]:
        """Report on one command, once. Needs the scope agent:results."""
        return await _told(work.report(_caller(), Result(command_id=command_id, status=status, result=result)))

    @mcp.tool(annotations=_WRITES)
    async def dispatch_command(agent: str, command: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Give a command to an agent of the same owner. Needs the scope agent:dispatch."""
        caller = _caller()
        return await _told(work.dispatch(caller, NewCommand(agent=agent, command=command, parameters=parameters)))

    return mcp


class Face:
    """ASGI middleware: on the MCP path, finds out who calls before MCP reads anything; elsewhere passes on."""

    def __init__(self, app: ASGIApp, mcp: ASGIApp, gate: Gate) -> None:
        self._app, self._mcp, self._gate = app, mcp, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with 401 or 503, or hand the request with its caller to the tools."""
        if scope["type"] != "http" or scope["path"].rstrip("/") != PATH:
            await self._app(scope, receive, send)
            return
        try:
            caller = await self._gate.caller(Request(scope))
        except Problem as problem:
            await refusal(problem, spoken_by(Request(scope)))(scope, receive, send)
            return
        known = {**scope, "path": PATH, "state": {**scope.get("state", {}), _CALLER: caller}}
        await self._mcp(known, receive, send)


def _caller() -> AgentCaller:
    found = get_http_request().scope["state"][_CALLER]
    assert isinstance(found, AgentCaller)
    return found


async def _told(work: Any) -> dict[str, Any]:
    """The result, or the refusal in the words of the HTTP endpoints."""
    try:
        done: dict[str, Any] = await work
    except Problem as problem:
        raise ToolError(said_problem(problem, spoken_by(get_http_request()))) from problem
    return done
