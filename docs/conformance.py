"""Runs MCP's conformance suite, which sends no token, through a proxy that adds one.

    .venv/bin/python docs/conformance.py http://localhost:3001/mcp [-- what the suite is to be told]

It signs in as `docs/plain_client.py` does (a browser opens; ``TOKEN`` in the environment skips that) and needs Node 22
or later with `npx`. What is known to fail is listed, with reasons, in conformance.yaml: the exit code is 0 when nothing
else fails and nothing of that passes. The proxy listens on loopback, for as long as the suite runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import requests

sys.path.insert(0, str(Path(__file__).parent.parent))
from docs.plain_client import Client

SUITE = ("npx", "--yes", "@modelcontextprotocol/conformance@0.2.0-alpha.12")
KNOWN = Path(__file__).with_suffix(".yaml")
HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "content-encoding", "keep-alive", "authorization"}


def main() -> int:
    """Run the suite against the address on the command line; its exit code."""
    url, *told = [argument for argument in sys.argv[1:] if argument != "--"]
    return run(url, os.environ.get("TOKEN") or _signed_in(url), told)


def run(url: str, token: str, told: Sequence[str], *, suite: Sequence[str] = SUITE, output: int | None = None) -> int:
    """Run the suite against ``url``, with ``token``; its exit code. ``output``: subprocess's ``stdout`` for it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(url, token))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://localhost:{server.server_port}{urlsplit(url).path}"
    command = [*suite, "server", "--url", address, "--expected-failures", str(KNOWN), *told]
    try:
        return subprocess.run(command, check=False, stdout=output).returncode  # noqa: S603 - whoever runs this says what
    finally:
        server.shutdown()
        server.server_close()


def _signed_in(url: str) -> str:
    with Client(url) as client:
        client.sign_in(webbrowser.open)
        return client.token


def _handler(url: str, token: str) -> type[BaseHTTPRequestHandler]:
    """Passes requests on with the token, and answers back, both as they are but for the connection's own headers.

    A ``Host`` or ``Origin`` that is not the proxy's own is passed on, so that the server judges it.
    """
    own = urlsplit(url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError):  # the suite does not wait for every answer
                super().handle()

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            here = f"localhost:{self.server.server_address[1]}"
            sent = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            sent = {name: value.replace(here, own) for name, value in sent.items()}
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(
                    self.command, url, data=body, headers=sent | {"Authorization": f"Bearer {token}"}, timeout=60
                )
            self.send_response_only(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_DELETE = do_OPTIONS = _pass

        def log_message(self, *_: object) -> None:
            """The suite says what it sent."""

    return Handler


if __name__ == "__main__":
    raise SystemExit(main())
