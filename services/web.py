"""What the HTTP services share: the names they answer to, bounded bodies, and errors as JSON that leak nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.front_page import front_page
from common.speech import said, spoken
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing.served import ServedSpans

BODY_LIMIT = 65_536
"""Bytes of a request's body; a larger one is answered 413 before it is read."""

BROKEN = "The service could not do this."

_ADDRESSES = {404: "There is nothing at this address.", 405: "This address takes other methods."}

log = logging.getLogger(__name__)


def protect(app: FastAPI, *, hosts: Sequence[str], body_limit: int = BODY_LIMIT) -> FastAPI:
    """Check ``Host`` (DNS rebinding), bound bodies, and answer 404, 405 and 500 in JSON; ``app`` itself."""
    app.add_middleware(BodyLimit, most=body_limit)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(ServedSpans)
    app.add_exception_handler(HTTPException, _http_error)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _broken)
    return app


def spoken_by(request: HTTPConnection) -> str:
    """The language that whoever sent the request reads."""
    return spoken(request.headers.get("accept-language"))


def allowed_hosts(more: str) -> list[str]:
    """Loopback's names and those of a comma-separated setting."""
    return ["localhost", "127.0.0.1", *(name.strip() for name in more.split(",") if name.strip())]


def add_front_page(app: FastAPI, title: str, said: str, *, links: Sequence[tuple[str, str]]) -> None:
    """Answer ``GET /`` of ``app`` with the page."""
    page = front_page(title, said, links=links)

    @app.get("/", include_in_schema=False)
    async def front() -> HTMLResponse:
        return page


class BodyLimit:
    """ASGI middleware: reads a body of at most ``most`` bytes, and answers 413 to a longer one, declared or not."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is short enough."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        read: list[Message] = []
        size, more = (self._most + 1, False) if declared.isdigit() and int(declared) > self._most else (0, True)
        while more and size <= self._most:
            message = await receive()
            read.append(message)
            size += len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)
        if size > self._most:
            body = {
                "error": "Content Too Large",
                "message": said(
                    Sentence("A request may have {most} bytes.", most=self._most), spoken_by(HTTPConnection(scope))
                ),
            }
            await JSONResponse(body, 413, headers={"Connection": "close"})(scope, receive, send)
            return

        async def again() -> Message:
            return read.pop(0) if read else await receive()

        await self._app(scope, again, send)


async def _http_error(request: Request, error: HTTPException) -> Response:
    phrase = HTTPStatus(error.status_code).phrase
    message = _ADDRESSES.get(error.status_code, str(error.detail))
    body = {"error": phrase, "message": said(message, spoken_by(request))}
    return JSONResponse(body, error.status_code, headers=error.headers)


async def _broken(request: Request, error: Exception) -> Response:
    # The server logs the traceback (masked); the caller learns nothing of it.
    message = said(BROKEN, spoken_by(request))
    return JSONResponse({"error": "Internal Server Error", "message": message}, 500)
