"""ASGI middleware: each HTTP request as a span, in the trace that its headers tell of (W3C Trace Context)."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastmcp_vault.tracing import spans

_CONTEXT = (b"traceparent", b"tracestate")


class ServedSpans:
    """Around an application. ``continued``: only requests that bring a trace's context; of others the application
    makes spans itself, as FastMCP does of an MCP request with the context in its ``_meta``.
    """

    def __init__(self, app: ASGIApp, *, continued: bool = False) -> None:
        self._app, self._continued = app, continued

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with a span for an HTTP request where spans are made."""
        if scope["type"] != "http" or not spans.on():
            await self._app(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _CONTEXT}
        if self._continued and "traceparent" not in headers:
            await self._app(scope, receive, send)
            return
        with spans.of_served(scope["method"], scope["path"], headers) as answered:

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    answered(message["status"])
                await send(message)

            await self._app(scope, receive, sending)
