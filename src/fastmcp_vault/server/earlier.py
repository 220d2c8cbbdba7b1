"""Clients of MCP 2025-11-25 that open links: they are asked by an error, after which they make the call again.

Such a client says what it can do in ``initialize`` alone, which a stateless server does not remember. So the answer to
it names a session (Streamable HTTP, ``Mcp-Session-Id``) that says so, and the client brings it with each request. It
opens nothing: who makes one up is asked in that way, and no more.
"""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from dataclasses import dataclass

import mcp_types as mt
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import ToolResult
from mcp import UrlElicitationRequiredError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REVISION = "2025-11-25"
"""The one revision that has both links and ``initialize``."""

SESSION = "Mcp-Session-Id"
_OPENS = "opens-links-"


@dataclass(slots=True)
class EarlierClient:
    """What is known of who sent the request being served. ``link``: what its person is to open."""

    opens_links: bool
    is_new: bool = False
    link: mt.ElicitRequestURLParams | None = None


_client: ContextVar[EarlierClient | None] = ContextVar("earlier_client", default=None)


def ask_by_error(message: str, *, link: str, link_id: str) -> None:
    """Have the call that is being served answered with this link, if its client is one that opens links."""
    client = _client.get()
    if client is not None and client.opens_links:
        client.link = mt.ElicitRequestURLParams(message=message, url=link, elicitation_id=link_id)


class LinksInSession:
    """ASGI middleware: reads from a request's session whether its client opens links, and names one that says so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = EarlierClient(Headers(scope=scope).get(SESSION, "").startswith(_OPENS))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and client.is_new:
                MutableHeaders(scope=message)[SESSION] = f"{_OPENS}{secrets.token_hex(16)}"
            await send(message)

        token = _client.set(client)
        try:
            await self._app(scope, receive, answer)
        finally:
            _client.reset(token)


class AskByError(Middleware):
    """FastMCP middleware, around all others: notes in ``initialize`` who opens links, and answers a call by
    :func:`ask_by_error`'s link (MCP 2025-11-25, Elicitation, "URL Elicitation Required Error", -32042)."""

    async def on_initialize(
        self,
        context: MiddlewareContext[mt.InitializeRequest],
        call_next: CallNext[mt.InitializeRequest, mt.InitializeResult | None],
    ) -> mt.InitializeResult | None:
        """Note what the client says it can do, where both sides speak that revision."""
        result, client = await call_next(context), _client.get()
        asked = context.message.params.capabilities.elicitation if context.message else None
        if client is not None and result is not None and result.protocol_version == REVISION:
            client.is_new = asked is not None and asked.url is not None
        return result

    async def on_call_tool(
        self,
        context: MiddlewareContext[mt.CallToolRequestParams],
        call_next: CallNext[mt.CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        """The tool's result, or the link that its person is to open first. Raises UrlElicitationRequiredError."""
        result, client = await call_next(context), _client.get()
        if client is not None and client.link is not None:
            raise UrlElicitationRequiredError([client.link], client.link.message)
        return result
