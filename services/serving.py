"""One process, several ASGI services, each on ports of its own, plain or TLS; one signal stops them all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from fastmcp_vault.errors import NotReady
from services.peer import PeerProtocol

GRACE_SECONDS = 3
"""How long requests under way may go on when the process is asked to stop."""

REQUEST_HEAD = 32_768
"""Bytes of a request's line and headers; more is answered 400 before it is read."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An application on a port. With ``tls`` a client's certificate reaches it: see :mod:`services.peer`."""

    name: str
    app: ASGIApp
    host: str
    port: int
    tls: ssl.SSLContext | None = None
    socket_bytes: int = 0
    """The longest message that a web socket may bring; 0: there are no web sockets here."""


class _Server(uvicorn.Server):
    """A server that leaves signals alone: one handler below stops all of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(endpoints: Sequence[Endpoint], stopping: asyncio.Event | None = None) -> None:
    """Serve until SIGINT, SIGTERM or ``stopping``. Raises NotReady when a port cannot be had."""
    servers = [(_server(endpoint), _listen(endpoint)) for endpoint in endpoints]
    stop = stopping or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    for endpoint in endpoints:
        kind = "TLS" if endpoint.tls else "plain HTTP"
        log.info("%s listens on %s port %d, %s", endpoint.name, endpoint.host, endpoint.port, kind)
    serving = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *serving], return_when=asyncio.FIRST_COMPLETED)
    for server, _ in servers:
        server.should_exit = True
    waiting.cancel()
    try:
        await asyncio.gather(*serving)
    finally:
        for _, sock in servers:
            sock.close()


def _listen(endpoint: Endpoint) -> socket.socket:
    # Named as TCP, because asyncio switches Nagle's algorithm off (40 ms per small answer) only where it sees that.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((endpoint.host, endpoint.port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        raise NotReady(
            f"Port {endpoint.port} for {endpoint.name} cannot be used ({error.strerror}).",
            fix="Stop what holds it, or choose another port.",
        ) from error
    return sock


def _server(endpoint: Endpoint) -> _Server:
    tls = endpoint.tls
    return _Server(
        uvicorn.Config(
            endpoint.app,
            http=PeerProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="websockets-sansio" if endpoint.socket_bytes else "none",
            ws_max_size=endpoint.socket_bytes,
            ws_per_message_deflate=False,
            lifespan="off",
            h11_max_incomplete_event_size=REQUEST_HEAD,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
        )
    )
