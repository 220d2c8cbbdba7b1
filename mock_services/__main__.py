"""``python -m mock_services jira github``: one process, each named service on a port of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Generator, Sequence

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from mock_services.github.app import build as build_github
from mock_services.jira.app import build as build_jira
from mock_services.people import UsersFile
from mock_services.settings import MockSettings

log = logging.getLogger("mock_services")

LINE_LIMIT = 10_000
"""Characters of one event in the log."""

Build = Callable[..., FastAPI]

SERVICES: dict[str, tuple[str, Build]] = {
    "jira": ("mock_jira_port", build_jira),
    "github": ("mock_github_port", build_github),
}


class _OneLine(logging.Formatter):
    """One event is one line: what callers sent cannot look like another event."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record)[:LINE_LIMIT].encode("unicode_escape").decode("ascii")


class _MockServer(uvicorn.Server):
    """A server that leaves signals alone: one handler below stops all of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; the exit code is 1, with a sentence, when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m mock_services", description=__doc__)
    parser.add_argument("services", nargs="+", choices=sorted(SERVICES), help="which services to run")
    names = list(dict.fromkeys(parser.parse_args(arguments).services))
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s mock %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        settings = MockSettings()
        users = UsersFile(settings.mock_users_file, settings.mock_room_file)
        users.load()
        listening = [(name, _listen(settings, name)) for name in names]
    except ValidationError as error:
        fields = "; ".join(
            f"{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
        )
        return _stop(f"These settings are not usable: {fields}. See mock_services/settings.py.")
    except (OSError, ValueError) as error:
        return _stop(str(error))
    servers = [(_server(settings, users, name), sockets) for name, sockets in listening]
    return asyncio.run(_serve(servers))


def _stop(sentence: str) -> int:
    sys.stderr.write(f"mock_services: {sentence}\n")
    return 1


def _listen(settings: MockSettings, name: str) -> socket.socket:
    """The socket of one service, bound before anything is served. Raises ``OSError`` with a sentence."""
    port = getattr(settings, SERVICES[name][0])
    # Named as TCP, because asyncio switches Nagle's algorithm off (40 ms per small answer) only where it sees that.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.bind_host, port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        raise OSError(
            f"Port {port} for the mock {name} cannot be used ({error.strerror}). "
            f"Stop what holds it, or set {SERVICES[name][0].upper()}."
        ) from error
    return sock


def _server(settings: MockSettings, users: UsersFile, name: str) -> _MockServer:
    app = SERVICES[name][1](users, settings)
    # Our own line per request is the access log; uvicorn's would show the query as well.
    return _MockServer(uvicorn.Config(app, log_config=None, access_log=False, server_header=False, proxy_headers=False))


async def _serve(servers: Sequence[tuple[_MockServer, socket.socket]]) -> int:
    def stop() -> None:
        for server, _ in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    for _, sock in servers:
        log.info("listening on %s port %d", *sock.getsockname()[:2])
    await asyncio.gather(*(server.serve(sockets=[sock]) for server, sock in servers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
