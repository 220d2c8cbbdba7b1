"""What of a request's headers goes on to a server, and what of an answer's comes back (RFC 9110 §7.6.1)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

Raw = list[tuple[bytes, bytes]]
"""Headers as ASGI has them: names in lower case."""

HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip

_SAID_BY_PROXIES = re.compile(rb"(forwarded|via|x-forwarded(-.+)?|x-real-ip|x-original-.+)")
"""What a caller could claim of itself: the front says it anew."""

_OURS = frozenset({
    # uvicorn adds them to our own answer.
    b"date", b"server",
    # Kept by browsers for every port of the host, where the page with the certificate is plain HTTP on purpose.
    b"strict-transport-security",
})  # fmt: skip

_SOCKET = re.compile(rb"(sec-websocket-.+|origin|host|user-agent)")
"""What the client of the second web socket writes itself."""


def forwarded(headers: Iterable[tuple[bytes, bytes]], *, cookies: re.Pattern[str], client: str) -> Raw:
    """A request's headers for a server that gets ``cookies``; its body is read already, and has a length."""
    given = list(headers)
    passed = [(name, value) for name, value in _end_to_end(given) if not _SAID_BY_PROXIES.fullmatch(name)]
    kept: Raw = [(name, value) for name, value in passed if name not in (b"cookie", b"content-length", b"expect")]
    sent = b"; ".join(value for name, value in passed if name == b"cookie").decode("latin-1")
    mine = [pair for pair in (part.strip() for part in sent.split(";")) if cookies.fullmatch(pair.partition("=")[0])]
    if mine:
        kept.append((b"cookie", "; ".join(mine).encode("latin-1")))
    host = next((value for name, value in given if name == b"host"), b"")
    about = ((b"x-forwarded-for", client.encode()), (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", host))
    return [*kept, *about]


def announced(client: tuple[str, int], here: tuple[str, int]) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """For a request of httpx2's (its extension ``trace``): a new connection begins with who is calling.

    That is the PROXY protocol's first line (HAProxy, version 1, IPv4). It is said once for a connection, so that each
    request needs its own.
    """
    line = f"PROXY TCP4 {client[0]} {here[0]} {client[1]} {here[1]}\r\n".encode("ascii")

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            await info["return_value"].write(line)

    return trace


def of_a_socket(headers: Raw) -> list[tuple[str, str]]:
    """Those of a forwarded request that the second web socket's opening handshake does not write itself."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if not _SOCKET.fullmatch(name)]


def returned(headers: Iterable[tuple[bytes, bytes]]) -> Raw:
    """An answer's headers for the browser; every cookie is for HTTPS alone, whatever set it."""
    lower = [(name.lower(), value) for name, value in headers]
    kept = [(name, value) for name, value in _end_to_end(lower) if name not in _OURS]
    return [(name, _secure(value) if name == b"set-cookie" else value) for name, value in kept]


def _secure(cookie: bytes) -> bytes:
    """RFC 6265 §4.1.2.5: servers that do not know of the front's TLS leave it out."""
    attributes = {part.strip().lower() for part in cookie.split(b";")[1:]}
    return cookie if b"secure" in attributes else cookie + b"; Secure"


def _end_to_end(headers: Raw) -> Raw:
    named = {
        word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")
    }  # what `Connection` names is for this connection, too
    return [(name, value) for name, value in headers if name not in HOP_BY_HOP and name not in named]
