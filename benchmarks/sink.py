"""A collector that takes spans and keeps none, in a process of its own: what is measured is the server that sends."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.command import run as run_command


class SinkDoor(BaseHTTPRequestHandler):
    """Answers every POST with 200 and nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read what comes, and forget it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Listen on the port that is named, until SIGTERM."""
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), SinkDoor).serve_forever()


if __name__ == "__main__":
    sys.exit(run_command(main))
