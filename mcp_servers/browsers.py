"""A page for a person who opens the MCP endpoint in a browser, where a client would get a challenge."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class PageForBrowsers:
    """Pure ASGI middleware: ``page`` for GET at ``path`` of whoever wants HTML and no event stream.

    An MCP client's GET accepts ``text/event-stream`` (MCP, Streamable HTTP), and passes.
    """

    def __init__(self, app: ASGIApp, path: str, page: Response) -> None:
        self._app, self._path, self._page = app, path, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page, or what lies below."""
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == self._path:
            accept = Headers(scope=scope).get("accept", "")
            if "text/html" in accept and "text/event-stream" not in accept:
                await self._page(scope, receive, send)
                return
        await self._app(scope, receive, send)
