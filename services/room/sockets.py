"""The app's web socket, passed on: two connections, each message as it came, and the end of one is the other's end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from contextlib import suppress

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from services.room.paths import RoomServer
from services.room.wire import Raw, of_a_socket

FROM_BROWSER = 1_048_576
"""Bytes of a message from a browser: what a page's widgets hold."""

FROM_SERVER = 67_108_864
"""Bytes of a message from the app: a page's picture or table, at most."""

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0

_NOT_SENT = {1005: 1000, 1006: 1011, 1015: 1011}
"""Codes that stand for "none came" and are never sent (RFC 6455 §7.4.1), and what is sent instead."""

_log = logging.getLogger(__name__)


async def pass_socket(server: RoomServer, headers: Raw, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one web socket by another one to ``server``; ``headers`` are those of the request as it is passed on."""
    await receive()  # websocket.connect
    try:
        other = await _opened(server, headers, scope)
    except InvalidStatus as refused:
        status = refused.response.status_code
        await PlainTextResponse("", status)(scope, receive, send)
        return
    except (OSError, InvalidHandshake) as error:  # TimeoutError is an OSError
        _log.info("%s opens no web socket: %s", server.name, type(error).__name__)
        await PlainTextResponse("", 502)(scope, receive, send)
        return
    try:
        await send({"type": "websocket.accept", "subprotocol": other.subprotocol})
        await _first_of((_to_server(other, receive), _to_browser(other, send)))
    finally:
        await other.close()


async def _opened(server: RoomServer, headers: Raw, scope: Scope) -> ClientConnection:
    host, port = server.place
    given = dict(scope["headers"])
    query = f"?{scope['query_string'].decode('ascii')}" if scope["query_string"] else ""
    return await connect(
        # The name that the browser asked for; the connection goes to ``host``.
        f"ws://{given[b'host'].decode('latin-1')}{scope['raw_path'].decode('ascii')}{query}",
        host=host,
        port=port,
        origin=given[b"origin"].decode("latin-1") if b"origin" in given else None,
        user_agent_header=given[b"user-agent"].decode("latin-1") if b"user-agent" in given else None,
        subprotocols=[Subprotocol(name) for name in scope["subprotocols"]] or None,
        additional_headers=of_a_socket(headers),
        compression=None,
        proxy=None,
        open_timeout=OPEN_SECONDS,
        close_timeout=CLOSE_SECONDS,
        # On loopback: a server that is busy for a while is not gone.
        ping_interval=None,
        max_size=FROM_SERVER,
    )


async def _to_server(other: ClientConnection, receive: Receive) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        await other.send(text if text is not None else message["bytes"])
    await other.close(_sendable(message.get("code", 1000)))


async def _to_browser(other: ClientConnection, send: Send) -> None:
    with suppress(ConnectionClosed):
        while True:
            message = await other.recv()
            await send({"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message})
    code, why = other.close_code or 1000, other.close_reason or ""
    await send({"type": "websocket.close", "code": _sendable(code), "reason": why})


def _sendable(code: int) -> int:
    return _NOT_SENT.get(code, code)


async def _first_of(directions: Iterable[Coroutine[None, None, None]]) -> None:
    """Run both until one has come to its end; whatever ended it has ended the other."""
    tasks = [asyncio.create_task(direction) for direction in directions]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if error is not None and not isinstance(error, (ConnectionClosed, OSError)):
                raise error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
