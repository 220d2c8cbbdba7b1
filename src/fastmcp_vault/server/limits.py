"""FastMCP middleware that admits calls: each person, client and tool has a quota, counted over all replicas.

Outermost, so that who calls past a quota costs next to nothing. A refusal is a JSON-RPC error (JSON-RPC 2.0 §5.1) with
``retryAfter``, in seconds, in its ``data``; an answer holds what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import mcp_types as mt
from fastmcp.prompts import PromptResult
from fastmcp.resources import ResourceResult
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import Tool, ToolResult
from fastmcp.tools.base import InputRequiredToolResult
from mcp import MCPError
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fastmcp_vault import metrics
from fastmcp_vault.credentials.caller import VerifiedToken, current_caller
from fastmcp_vault.errors import RateLimited
from fastmcp_vault.masking import mask_text
from fastmcp_vault.meta import ERROR_KEY, LIMITS_KEY
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.state.allowances import Allowances, QuotaKey, QuotaStanding
from fastmcp_vault.state.protocol import Principal, Quota, principals_of

COUNTED = frozenset({b"tools/call", b"resources/read", b"prompts/get"})
"""MCP methods that are counted."""

PAUSE_SECONDS = 0.1
"""How long a refusal at the door is held back: a client in a loop comes ten times a second on each connection."""

RATE_LIMITED = -32029
"""The JSON-RPC code of a refusal: of those that servers may choose (-32000 to -32099), after HTTP's 429."""

UNLIMITED = Quota(0, 0)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The quotas of one server: of each person, of each client for everybody together, of each tool; ``tools``: of
    some tools, instead of that."""

    person: Quota = UNLIMITED
    client: Quota = UNLIMITED
    tool: Quota = UNLIMITED
    tools: Mapping[str, Quota] = field(default_factory=dict)


class Overrides(Protocol):
    """What is asked of :class:`fastmcp_vault.state.State`."""

    def quota(self, principal: Principal) -> Quota | None:
        """The quota that an administrator set for a person or a client. No I/O."""


class CallCounter:
    """The quotas of a call at ``server``, and whether it is known already that they are used up."""

    def __init__(self, server: str, limits: CallLimits, allowances: Allowances, overrides: Overrides) -> None:
        self._server, self._limits, self._overrides = server, limits, overrides
        self.allowances = allowances

    def quotas(self, claims: Claims, name: str) -> dict[QuotaKey, Quota]:
        """Whose quotas a call of this name spends: the person's first, of which a refusal tells."""
        tool = self._limits.tools.get(name, self._limits.tool)
        return {**self._of_caller(claims), **({QuotaKey("tool", "", name): tool} if any(tool) else {})}

    def expect(self, claims: Claims) -> None:
        """This caller will call: what is not here of their quotas is asked for beside the request."""
        self.allowances.expect(self._of_caller(claims))

    def refusal(self, claims: Claims) -> RateLimited | None:
        """Why any call of this caller would be refused, as far as that was found just now. No I/O."""
        return self.allowances.refusal(self._of_caller(claims)) if self.allowances.refuses() else None

    def refused(self) -> None:
        """Count a call that was refused for its quota."""
        metrics.REFUSALS.add(server=self._server, reason=RateLimited.code)

    def _of_caller(self, claims: Claims) -> dict[QuotaKey, Quota]:
        person, client = principals_of(claims)
        return {
            QuotaKey(*person): self._overrides.quota(person) or self._limits.person,
            QuotaKey(*client): self._overrides.quota(client) or self._limits.client,
        }


class LimitDoor:
    """ASGI middleware: calls of who was found just now to be over their quota end here, with HTTP 429 (RFC 6585 §4).

    A flood costs next to nothing so, and keeps nobody waiting. ``RateLimit`` and ``RateLimit-Policy``: IETF
    draft-ietf-httpapi-ratelimit-headers. MCP 2026-07-28 names the method in a header; a client of an earlier version is
    refused by :class:`LimitMiddleware`.
    """

    def __init__(self, app: ASGIApp, *, counter: CallCounter) -> None:
        self._app, self._counter = app, counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        user = scope.get("user")
        if scope["type"] == "http" and isinstance(user, AuthenticatedUser):
            token = user.access_token
            calls = any(name == b"mcp-method" and value in COUNTED for name, value in scope["headers"])
            if calls and isinstance(token, VerifiedToken):
                problem = self._counter.refusal(token.verified)
                if problem is not None:
                    self._counter.refused()
                    # Who asks again at once has to wait for that.
                    await asyncio.sleep(PAUSE_SECONDS)
                    await answer(problem)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def answer(problem: RateLimited) -> Response:
    """HTTP 429, with when to try again."""
    headers = {"Retry-After": str(problem.retry_after)}
    if problem.policy is not None:
        whose, most, seconds = problem.policy
        headers["RateLimit-Policy"] = f'"{whose}";q={most};w={seconds}'
        headers["RateLimit"] = f'"{whose}";r=0;t={problem.retry_after}'
    body = {"error": problem.code, "error_description": str(problem), "retryAfter": problem.retry_after}
    return JSONResponse({**body, **problem.as_dict()}, 429, headers=headers)


class LimitMiddleware(Middleware):
    """Counts calls of tools, reads of resources and prompts. ``ahead``: listing the tools begins to ask the count for
    what the caller's first call will need."""

    def __init__(self, counter: CallCounter, *, ahead: bool = False) -> None:
        self._counter, self._ahead = counter, ahead

    async def on_list_tools(
        self, context: MiddlewareContext[mt.ListToolsRequest], call_next: CallNext[mt.ListToolsRequest, Sequence[Tool]]
    ) -> Sequence[Tool]:
        """List the tools; that is not counted."""
        if self._ahead:
            self._counter.expect(current_caller().claims)
        return await call_next(context)

    async def on_call_tool(
        self,
        context: MiddlewareContext[mt.CallToolRequestParams],
        call_next: CallNext[mt.CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        """Run the tool, if its caller may; the answer says what is left."""
        async with self._admitted(context.message.name) as left:
            result = await call_next(context)
        told_in = result.input_required if isinstance(result, InputRequiredToolResult) else result
        told_in.meta = {**(told_in.meta or {}), LIMITS_KEY: told(left)}
        return result

    async def on_read_resource(
        self,
        context: MiddlewareContext[mt.ReadResourceRequestParams],
        call_next: CallNext[mt.ReadResourceRequestParams, ResourceResult],
    ) -> ResourceResult:
        """Read it, if its caller may."""
        async with self._admitted(str(context.message.uri)):
            return await call_next(context)

    async def on_get_prompt(
        self,
        context: MiddlewareContext[mt.GetPromptRequestParams],
        call_next: CallNext[mt.GetPromptRequestParams, PromptResult],
    ) -> PromptResult:
        """Render it, if its caller may."""
        async with self._admitted(context.message.name):
            return await call_next(context)

    @asynccontextmanager
    async def _admitted(self, name: str) -> AsyncIterator[dict[QuotaKey, QuotaStanding]]:
        """What is left inside the block; a refusal is counted, and told as a client reads it."""
        quotas = self._counter.quotas(current_caller().claims, name)
        try:
            async with self._counter.allowances.admitted(quotas) as left:
                yield left
        except RateLimited as problem:
            self._counter.refused()
            raise refusal(problem) from problem


def told(standings: Mapping[QuotaKey, QuotaStanding]) -> dict[str, dict[str, int]]:
    """What is left, for ``_meta``: by kind, calls a minute (``limit``), ``remaining``, and ``reset`` in seconds."""
    return {
        key.kind: {"limit": one.per_minute, "remaining": one.left, "reset": round(one.resets_in + 0.5)}
        for key, one in standings.items()
        if one.per_minute
    }


def refusal(problem: RateLimited) -> MCPError:
    """The error that a client gets, with when to try again."""
    data = {"retryAfter": problem.retry_after, ERROR_KEY: problem.as_dict(mask_text)}
    return MCPError(code=RATE_LIMITED, message=mask_text(str(problem)), data=data)
