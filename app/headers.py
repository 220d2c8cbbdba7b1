"""Security headers on every answer, Streamlit's own included; no web socket for other sites' pages."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.settings import AppSettings, origin_of
from app.texts import t


def policy(settings: AppSettings) -> str:
    """The content security policy (CSP Level 3): this origin only.

    Streamlit's pages need inline script and style, ``eval`` for charts, and blobs for components. ``form-action``
    names Keycloak because a browser checks it again on the redirect that follows signing out.
    """
    socket = settings.public_origin.replace("http", "ws", 1)
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            f"connect-src 'self' {socket} blob: data:",
            "object-src 'none'",
            "base-uri 'self'",
            f"form-action 'self' {origin_of(settings.keycloak_public_url)}",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """Pure ASGI middleware that adds the headers to HTTP answers; web sockets pass untouched."""

    def __init__(self, app: ASGIApp, settings: AppSettings) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": policy(settings),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            # Not "no-referrer": a form's Origin would then be "null", and signing out checks it.
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if settings.https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add the headers when the answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, with_headers)


class OwnHost:
    """Pure ASGI middleware: a request for another host name is refused (DNS rebinding), and told the right address."""

    def __init__(self, app: ASGIApp, settings: AppSettings) -> None:
        self._app, self._hosts, self._address = app, frozenset(settings.allowed_hosts), settings.app_public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what asks for this host; 400 with a sentence for the rest, web sockets included."""
        asked = Headers(scope=scope).get("host", "").rsplit(":", 1)[0] if scope["type"] != "lifespan" else ""
        if scope["type"] == "lifespan" or asked in self._hosts:
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(t("host.wrong", address=self._address) + "\n", 400)(scope, receive, send)


class OwnOrigin:
    """Pure ASGI middleware: a web socket opened by a page of another origin is refused (RFC 6455 §10.2).

    A browser sends the session cookie with such a connection, and cookies know no ports: Streamlit's own check lets
    every port of this host pass. Programs that are no browsers send no ``Origin``, and pass.
    """

    def __init__(self, app: ASGIApp, settings: AppSettings) -> None:
        self._app, self._origin = app, settings.public_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, unless it is such a web socket: that one is closed before it is accepted, with HTTP 403."""
        if scope["type"] == "websocket" and Headers(scope=scope).get("origin", self._origin) != self._origin:
            await WebSocketClose(code=1008)(scope, receive, send)
            return
        await self._app(scope, receive, send)
