"""ASGI middleware: each HTTP request as a span, in the trace that its headers tell of (W3C Trace Context)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from fastmcp_vault.tracing import spans


class ServedSpans:
    """Around an application. ``continued``: only requests that bring a trace's context; of others the application
    makes spans itself, as FastMCP does of an MCP request with the context in its ``_meta``.
    """

    def __init__(self, app: ASGIApp, *, continued: bool = False) -> None:
        self._app, self._continued = app, continued
        self._spanned: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with a span for an HTTP request where spans are made."""
        if scope["type"] != "http" or not spans.on() or (self._continued and not _brings_context(scope)):
            await self._app(scope, receive, send)
            return
        if self._spanned is None:
            self._spanned = spans.makers().serving(self._app)
        await self._spanned(scope, receive, send)


def _brings_context(scope: Scope) -> bool:
    return any(name == b"traceparent" for name, _ in scope["headers"])
