"""Checks ``Host`` in front of a server that does not: ``host_check.py --door LISTEN=TARGET … [-- SERVER …]``.

Keycloak and Vault answer whatever ``Host`` says, so a web page whose name is made to point at this machine could use
them and read the answers (DNS rebinding). This process has their public ports. It reads the head of each request and
passes on what names this machine; the server itself listens where a browser cannot speak to it. ``Host`` is a header
that no script may set; whoever sends bytes of their own can name any host, here as at every server.

``TARGET`` is ``unix:PATH``, ``HOST:PORT``, ``proxy:HOST:PORT`` for a server that demands the PROXY protocol
(HAProxy, version 1), whose first line no browser can send, or ``tls:HOST:PORT`` for one on loopback whose certificate
names nobody, so that no browser speaks to it for a page; this process does not ask for its name. With a ``SERVER``
command this process becomes that server, and a child does the checking until the server ends; a port is open only
after its server has answered once.
It needs the standard library only, so that it starts in milliseconds (``python -I -S``).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

LOCAL: Final = frozenset({"localhost", "127.0.0.1"})
"""The names that every service of the demo answers to."""

HEAD_BYTES: Final = 65_536
"""Of a request's line and headers, as the servers behind allow at most."""

HEAD_SECONDS: Final = 10.0
"""For a connection's first head to arrive."""

_LOOK_SECONDS: Final = 0.02
_BACKLOG: Final = 1024
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DECIMAL: Final = re.compile(rb"[0-9]{1,18}")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{1,15}")


class GuardedPort(NamedTuple):
    """A public address, and the server behind it."""

    listen: tuple[str, int]
    target: str


def command(listen: tuple[str, int], target: str, *names: str) -> tuple[str, ...]:
    """The words to put in front of a server's own command line, so that it starts behind a checked port.

    ``names``: what it answers to beside the loopback's names.
    """
    allowed = [f"--allow={name}" for name in names]
    door = f"{listen[0]}:{listen[1]}={target}"
    return (sys.executable, "-I", "-S", str(Path(__file__)), "--door", door, *allowed, "--")


class HostRefused(Exception):
    """A request that is not passed on. ``status``: what to answer (RFC 9110 §15)."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


class Requests:
    """The requests on one connection (RFC 9112), as they come in pieces: each head is judged, each body let through."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed
        self._held = b""
        self._left = 0
        self._take: Callable[[], bytes] = self._head

    def passed(self, data: bytes) -> bytes:
        """What of all that has come may go to the server now. Raises Refused, after which nothing may."""
        self._held += data
        pieces = []
        while self._held and (piece := self._take()):
            pieces.append(piece)
        return b"".join(pieces)

    def _head(self) -> bytes:
        """A request's line and headers with the empty line, once they are there."""
        head = self._until(b"\r\n\r\n")
        if not head:
            return b""
        request, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        fields = [_field(line) for line in lines]
        words = request.split(b" ")
        hosts = [value for name, value in fields if name == b"host"]
        # An address in full would overrule Host (§3.2.2).
        if len(words) != 3 or not words[1].startswith(b"/") or len(hosts) != 1 or _name(hosts[0]) not in self._allowed:
            raise HostRefused("421 Misdirected Request", "This server does not answer to that host name.")
        self._body(fields)
        return head

    def _body(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        """What follows the head (§6.3): nothing, so many bytes, chunks, or another protocol for good."""
        codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
        lengths = [value for name, value in fields if name == b"content-length"]
        if codings not in ([], [b"chunked"]) or len(lengths) + len(codings) > 1:
            raise HostRefused("400 Bad Request", "The length of the request's body is not clear.")
        if any(name == b"upgrade" for name, _ in fields):
            self._take = self._everything
        elif codings:
            self._take = self._chunk
        elif lengths:
            self._left = _number(lengths[0], _DECIMAL, 10)
            self._take = self._rest if self._left else self._head

    def _rest(self) -> bytes:
        piece = self._held[: self._left]
        self._held = self._held[len(piece) :]
        self._left -= len(piece)
        if not self._left:
            self._take = self._head
        return piece

    def _chunk(self) -> bytes:
        """A chunk's size (§7.1); its bytes follow, or after the last one the trailer."""
        line = self._until(b"\r\n")
        if line:
            self._left = _number(line.removesuffix(b"\r\n").partition(b";")[0].strip(), _HEX, 16)
            self._take = self._bytes_of_chunk if self._left else self._trailer
            self._left += 2
        return line

    def _bytes_of_chunk(self) -> bytes:
        piece = self._rest()
        self._take = self._bytes_of_chunk if self._left else self._chunk
        return piece

    def _trailer(self) -> bytes:
        line = self._until(b"\r\n")
        if line == b"\r\n":
            self._take = self._head
        return line

    def _everything(self) -> bytes:
        piece, self._held = self._held, b""
        return piece

    def _until(self, end: bytes) -> bytes:
        """Up to and with ``end``; nothing before it has come. Raises Refused beyond HEAD_BYTES."""
        found = self._held.find(end)
        if found < 0 and len(self._held) <= HEAD_BYTES:
            return b""
        if not 0 <= found <= HEAD_BYTES:
            raise HostRefused("431 Request Header Fields Too Large", "The request's headers are too large.")
        piece = self._held[: found + len(end)]
        self._held = self._held[len(piece) :]
        return piece


def _field(line: bytes) -> tuple[bytes, bytes]:
    """A header's name in lower case, and its value (§5). Raises Refused for what servers read in different ways."""
    name, colon, value = line.partition(b":")
    if not colon or not _TOKEN.fullmatch(name):
        raise HostRefused("400 Bad Request", "A header of the request is malformed.")
    return name.lower(), value.strip(b" \t")


def _number(text: bytes, digits: re.Pattern[bytes], base: int) -> int:
    if not digits.fullmatch(text):
        raise HostRefused("400 Bad Request", "A length in the request is no number.")
    return int(text, base)


def _name(host: bytes) -> str:
    """The host name in a ``Host`` header, without its port."""
    text = host.decode("latin-1").lower()
    name, _, port = text.rpartition(":")
    return name if name and port.isascii() and port.isdigit() else text


class _Side(asyncio.Protocol):
    """One of the two connections: what comes in goes out at the other, no faster than that takes it."""

    def __init__(self) -> None:
        self.other: _Side | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        if self.other is None or not self.other.transport.can_write_eof():
            return False
        if self.transport.get_extra_info("ssl_object") is not None:
            return False  # TLS knows no half of a connection.
        with contextlib.suppress(OSError):
            self.other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            (self.other.transport.abort if exc else self.other.transport.close)()


class _Caller(_Side):
    """A connection to a door: passed on when its first request is a good one, ended by the first that is not."""

    def __init__(self, target: str, allowed: frozenset[str]) -> None:
        super().__init__()
        self._target, self._requests = target, Requests(allowed)
        self._ready = b""
        self._passing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._late = asyncio.get_running_loop().call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        try:
            passed = self._requests.passed(data)
        except HostRefused as refused:
            self._refuse(refused)
            return
        if self.other is not None:
            self.other.transport.write(passed)
        elif passed:
            self._late.cancel()
            self._ready += passed
            self.transport.pause_reading()
            self._passing = asyncio.ensure_future(self._pass_on())

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()
        if self._passing is not None:
            self._passing.cancel()
        super().connection_lost(exc)

    async def _pass_on(self) -> None:
        try:
            other = await _connect(self._target)
        except OSError:
            # As if nobody listened: whoever called knows what to do about that.
            self.transport.abort()
            return
        other.other, self.other = self, other
        if self._target.startswith("proxy:"):
            other.transport.write(_proxy_line(self.transport))
        other.transport.write(self._ready)
        self._ready = b""
        self.transport.resume_reading()

    def _refuse(self, refused: HostRefused) -> None:
        why = str(refused)
        fields = f"Content-Type: text/plain\r\nContent-Length: {len(why)}\r\nConnection: close"
        self.transport.write(f"HTTP/1.1 {refused.status}\r\n{fields}\r\n\r\n{why}".encode())
        self.transport.close()
        if self.other is not None:
            self.other.other = None
            self.other.transport.close()


def _proxy_line(caller: asyncio.Transport) -> bytes:
    """PROXY protocol, version 1: who is calling (IPv4, as every service of the demo listens)."""
    (source, source_port), (here, here_port) = caller.get_extra_info("peername"), caller.get_extra_info("sockname")
    return f"PROXY TCP4 {source} {here} {source_port} {here_port}\r\n".encode()


async def _connect(target: str) -> _Side:
    """A connection to the server. Raises OSError."""
    loop = asyncio.get_running_loop()
    kind, _, path = target.partition(":")
    if kind == "unix":
        return (await loop.create_unix_connection(_Side, path))[1]
    host, _, port = (path if kind in ("proxy", "tls") else target).rpartition(":")
    secured = _nameless() if kind == "tls" else None
    return (await loop.create_connection(_Side, host, int(port), ssl=secured))[1]


@functools.cache
def _nameless() -> ssl.SSLContext:
    """TLS with a server of this machine, whoever its certificate is for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _serve(door: GuardedPort, listening: socket.socket, allowed: frozenset[str]) -> None:
    """Open the door when its server listens, and keep it open."""
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(OSError):
            (await _connect(door.target)).transport.abort()
            break
        await asyncio.sleep(_LOOK_SECONDS)
    async with await loop.create_server(lambda: _Caller(door.target, allowed), sock=listening, backlog=_BACKLOG):
        await loop.create_future()


async def _check(
    doors: Sequence[tuple[GuardedPort, socket.socket]], allowed: frozenset[str], server: int | None
) -> None:
    """Serve every door until the server (the other end of the pipe ``server``) has ended, or SIGTERM comes."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    if server is not None:
        loop.add_reader(server, over.set)
    async with asyncio.TaskGroup() as group:
        serving = [group.create_task(_serve(door, listening, allowed)) for door, listening in doors]
        await over.wait()
        for task in serving:
            task.cancel()


def _bound(door: GuardedPort) -> socket.socket:
    """A socket with the door's address, not listening yet. Raises OSError."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(door.listen)
    return listening


def _become(server: Sequence[str], arguments: Sequence[str], bound: Sequence[socket.socket]) -> None:
    """Start a child that checks, then be the server: its pid, its signals and its exit code are those of this process.

    The child gets neither the server's environment, which holds secrets, nor its arguments. It holds the reading end of
    a pipe whose other end the server keeps, unknowing, for as long as it lives.
    """
    ended, held = os.pipe()
    for inherited in (ended, *(listening.fileno() for listening in bound)):
        os.set_inheritable(inherited, True)
    passed = [word for listening in bound for word in ("--bound", str(listening.fileno()))]
    mark = {name: value for name, value in os.environ.items() if name == "DEMO_INSTANCE"}
    words = [sys.executable, "-I", "-S", __file__, *arguments, *passed, "--server", str(ended)]
    os.posix_spawn(sys.executable, words, mark)
    for inherited in (ended, *(listening.fileno() for listening in bound)):
        os.close(inherited)
    os.set_inheritable(held, True)
    os.execv(server[0], list(server))  # noqa: S606 - the words come from the supervisor


def _door(text: str) -> GuardedPort:
    listen, _, target = text.partition("=")
    host, _, port = listen.rpartition(":")
    return GuardedPort((host, int(port)), target)


def _host_of(text: str) -> str:
    """The name in an address, or the name itself."""
    return (urlsplit(text).hostname if "//" in text else text) or ""


def main(arguments: Sequence[str]) -> None:
    """The command line; see the module's docstring."""
    own, server = list(arguments), []
    if "--" in own:
        cut = own.index("--")
        own, server = own[:cut], own[cut + 1 :]
    parser = argparse.ArgumentParser()
    parser.add_argument("--door", type=_door, action="append", required=True)
    parser.add_argument("--allow", type=_host_of, action="append", default=[], metavar="NAME-OR-ADDRESS")
    parser.add_argument("--bound", type=int, action="append", help=argparse.SUPPRESS)
    parser.add_argument("--server", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(own)
    bound = [socket.socket(fileno=number) for number in options.bound or ()] or [_bound(door) for door in options.door]
    if server:
        _become(server, own, bound)
    allowed = LOCAL | {name.lower() for name in options.allow if name}
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_check(list(zip(options.door, bound, strict=True)), allowed, options.server))


if __name__ == "__main__":
    main(sys.argv[1:])
