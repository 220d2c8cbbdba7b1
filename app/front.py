"""What of Streamlit is open to browsers: pages, the web socket, and for who is signed in the files that a page offers.

Everything else that Streamlit serves (uploads, metrics, its agent API, static folders) has no use here and is refused
before a byte of a body is read.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.process import AppProcess
from app.session import cookie_name, refusal_status
from fastmcp_vault.errors import Problem

READING = frozenset({"GET", "HEAD"})

CORE = ("/_stcore/health", "/_stcore/host-config", "/_stcore/stream", "/_stcore/bidi-components/")
"""What a page needs of Streamlit's own routes; the last is a folder."""

MEDIA = "/media/"
"""Files that a page offers: exports of a trace, a picture of a link."""

_CLOSED = ("/component/", "/app/", "/oauth2callback")
"""Folders of Streamlit 1's components, an app's static files, and Streamlit's own sign-in: none is used."""

_NO_STORE = {"Cache-Control": "no-store", "Connection": "close"}


class Front:
    """Pure ASGI middleware: 404 for what is not needed, 405 for other methods than reading outside ``routes``."""

    def __init__(self, app: ASGIApp, routes: Iterable[Route]) -> None:
        self._app = app
        self._own = frozenset(route.path for route in routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what the app serves; answer the rest without reading its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = await self._refused(scope)
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(f"{refused}\n", refused, headers=_NO_STORE)(scope, receive, send)

    async def _refused(self, scope: Scope) -> int | None:
        """The status that answers this request here; None for one that goes on."""
        path = scope["path"]
        if path in self._own:
            return None
        needed = path in CORE or path.startswith(CORE[-1])
        if ("/_stcore" in path and not needed) or path.startswith(_CLOSED):
            return 404
        if scope["method"] not in READING:
            return 405
        return await self._media(HTTPConnection(scope)) if path.startswith(MEDIA) else None

    async def _media(self, request: HTTPConnection) -> int | None:
        """A file is for a browser with a session: its address alone, in a history or a log, opens nothing."""
        try:
            process = AppProcess.current()
            await process.sessions.find(request.cookies.get(cookie_name(https=process.settings.https), ""))
        except Problem as problem:
            return refusal_status(problem)
        return None
