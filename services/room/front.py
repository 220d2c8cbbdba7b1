"""The room's front, an ASGI application: checks who is meant, finds the server, and hands the request on to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import httpx2
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.speech import said, spoken
from fastmcp_vault.sentences import Sentence
from services.room.paths import RoomServer, find, servers
from services.room.settings import RoomSettings
from services.room.sockets import pass_socket
from services.room.wire import announced, forwarded, returned

BODY_LIMIT = 262_144
"""Bytes of a request's body: the largest is a form that somebody typed."""

BODY_SECONDS = 15.0
"""For a body to arrive."""

READ_SECONDS = 60.0
"""For a server's answer to begin, and between two pieces of it."""

TURN_SECONDS = 60.0
"""For a turn at a server that works on few requests at once."""

HEALTH = "/_room/health"

_log = logging.getLogger(__name__)


class BodyRefused(Exception):
    """A body that is not read. ``status``: what to answer."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class RoomFront:
    """One origin: pages of the app, of Keycloak, of the relay and of the mocks, by their paths.

    ``client`` is the caller's, who closes it: no redirects, no cookies, no proxy (:mod:`fastmcp_vault.http`).
    """

    def __init__(self, settings: RoomSettings, client: httpx2.AsyncClient) -> None:
        self._origin, self._client = settings.origin, client
        self._host = settings.origin.removeprefix("https://")
        self._table: Sequence[RoomServer] = servers(settings)
        self._turns = {one.name: asyncio.Semaphore(one.at_once) for one in self._table if one.at_once}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one web socket."""
        if scope["type"] not in ("http", "websocket"):
            return
        hosts = Headers(scope=scope).getlist("host")
        server = find(self._table, scope["raw_path"])
        refusal: ASGIApp | None = None
        if [host.lower() for host in hosts] != [self._host]:
            refusal = _answer(scope, 421, Sentence("This room is at {address}.", address=self._origin))
        elif scope["type"] == "http" and scope["path"] == HEALTH:
            refusal = PlainTextResponse("ok\n")
        elif server is None or (scope["type"] == "websocket" and scope["path"] != server.socket):
            refusal = _answer(scope, 404, "There is nothing at this address.")
        elif scope["type"] == "http" and scope["method"] not in server.methods:
            refusal = _answer(scope, 405, "This address takes other methods.")
        if refusal is not None:
            await refusal(scope, receive, send)
        elif server is not None and scope["type"] == "http":
            await self._pass_on(server, scope, receive, send)
        elif server is not None:
            headers = forwarded(scope["headers"], cookies=server.cookies, client=_client(scope))
            await pass_socket(server, headers, scope, receive, send)

    async def _pass_on(self, server: RoomServer, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _body(scope, receive)
        except BodyRefused as refused:
            await _answer(scope, refused.status, "The request's body is too long, or did not come in time.")(
                scope, receive, send
            )
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._exchange(server, scope, body, noting)
        except (httpx2.HTTPError, TimeoutError) as error:
            _log.info("%s does not answer: %s", server.name, type(error).__name__)
            if begun:
                raise  # the browser sees a connection that breaks off, as here
            status = 504 if isinstance(error, (httpx2.TimeoutException, TimeoutError)) else 502
            await _answer(scope, status, "This part of the demo does not answer now; try again in a moment.")(
                scope, receive, send
            )

    async def _exchange(self, server: RoomServer, scope: Scope, body: bytes, send: Send) -> None:
        request = httpx2.Request(
            scope["method"],
            _address(server, scope),
            headers=forwarded(scope["headers"], cookies=server.cookies, client=_client(scope)),
            content=body or None,
        )
        if scope["method"] == "POST" and not body:
            request.headers["content-length"] = "0"
        if server.proxy_protocol:
            request.headers["connection"] = "close"
            request.extensions = {"trace": announced(scope["client"], scope["server"])}
        async with self._turn(server):
            response = await self._client.send(request, stream=True)
        # Its work is done: a browser that takes the answer slowly, or has gone, keeps nobody waiting.
        try:
            headers = returned(response.headers.raw)
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for piece in response.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()

    @asynccontextmanager
    async def _turn(self, server: RoomServer) -> AsyncIterator[None]:
        """A turn at the server, first come, first served. Raises TimeoutError."""
        turns = self._turns.get(server.name)
        if turns is None:
            yield
            return
        async with asyncio.timeout(TURN_SECONDS):
            await turns.acquire()
        try:
            yield
        finally:
            turns.release()


def _address(server: RoomServer, scope: Scope) -> httpx2.URL:
    """The same path and query, to the letter, at the server."""
    path = scope["raw_path"].removeprefix(server.below.encode())
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return httpx2.URL(server.url).copy_with(raw_path=path + query)


def _client(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, in bounded time. Raises BodyRefused."""
    declared = Headers(scope=scope).get("content-length", "0")
    if declared.isdigit() and int(declared) > BODY_LIMIT:
        raise BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    read, more = bytearray(), True
    with suppress(TimeoutError):
        async with asyncio.timeout(BODY_SECONDS):
            while more:
                message = await receive()
                read += message.get("body", b"")
                more = message["type"] == "http.request" and message.get("more_body", False)
                if len(read) > BODY_LIMIT:
                    raise BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return bytes(read)
    raise BodyRefused(HTTPStatus.REQUEST_TIMEOUT)


def _answer(scope: Scope, status: int, sentence: str) -> ASGIApp:
    """A sentence in the browser's language; a web socket is refused with the same status."""
    text = said(sentence, spoken(HTTPConnection(scope).headers.get("accept-language")))
    closing = {"Connection": "close"} if status in (408, 413) else {}
    return PlainTextResponse(f"{text}\n", status, headers={"Cache-Control": "no-store", **closing})
