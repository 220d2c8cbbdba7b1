"""What both services share on the wire: the correlation id, the access log, the ``Host`` check, ``/health``."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Sequence

from fastapi import FastAPI, Response
from fastapi.middleware import Middleware
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 10 * 1024 * 1024
"""Bytes of the largest request body that is read; more is answered with 413."""

_CORRELATION = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class AccessLog:
    """Gives every request a correlation id, echoes it, and logs one line per request.

    The line names method, path, status, milliseconds, who asked and the id. Query, headers and
    bodies are left out: they may hold what must not be logged.
    """

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self.app = app
        self.log = logging.getLogger(f"mock_services.{service}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-correlation-id", b"")
        correlation = given if _CORRELATION.fullmatch(given) else uuid.uuid4().hex.encode()
        started = time.perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-correlation-id", correlation)]
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            if scope["path"] != "/health":
                who = scope.get("state", {}).get("caller", "-")
                elapsed = (time.perf_counter() - started) * 1000
                self.log.info(
                    "%s %r %d %.1fms caller=%s correlation=%s",
                    scope["method"], scope["path"], status, elapsed, who, correlation.decode(),
                )  # fmt: skip


class MockBodyLimit:
    """Refuses a body that says it is larger than ``MAX_BODY``, or turns out to be, with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                await JSONResponse({"message": "Payload too large"}, status_code=413)(scope, receive, send)
                return
            if message["type"] != "http.request" or not message.get("more_body", False):
                break

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, replay, send)


def service(name: str, *, hosts: Sequence[str]) -> FastAPI:
    """An empty service: no generated pages, ``/health``, and the three layers above every route."""
    app = FastAPI(
        title=f"Mock {name}",
        openapi_url=None,
        middleware=[
            Middleware(AccessLog, service=name),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(MockBodyLimit),
        ],
    )

    @app.get("/health")
    async def health() -> Response:
        return JSONResponse({"status": "healthy", "service": f"mock-{name}"})

    return app
