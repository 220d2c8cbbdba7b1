"""An HTTP server that answers as told: for what the real servers cannot be made to say, garbage above all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class OddServer:
    """What it shall answer (with more ``headers``), and what it was sent. ``mute``: takes a request, says nothing."""

    url: str
    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    mute: bool = False
    hang_up: bool = False
    headers_seen: list[dict[str, str]] = field(default_factory=list)
    forms_seen: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def odd_server() -> Iterator[OddServer]:
    """One such server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            odd.headers_seen.append(dict(self.headers))
            odd.forms_seen.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
            if odd.mute:
                odd.released.wait(30)
            if odd.mute or odd.hang_up:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(odd.status)
            self.send_header("Content-Type", odd.content_type)
            self.send_header("Content-Length", str(len(odd.body)))
            for name, value in odd.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(odd.body)

        do_GET = do_POST = do_PUT = _answer

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    odd = OddServer(f"http://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield odd
    finally:
        odd.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
