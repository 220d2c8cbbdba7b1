"""``python -m services.room``: the front of a room, and the page with its certificate, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys

from cryptography import x509

from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault import telemetry
from fastmcp_vault.errors import ConfigError, Problem
from fastmcp_vault.http import async_client
from fastmcp_vault.printable import show
from services.room.front import READ_SECONDS, RoomFront
from services.room.page import RoomPage
from services.room.settings import RoomSettings
from services.room.sockets import FROM_BROWSER
from services.serving import Endpoint, serve

CONNECTIONS = 400
"""To the servers behind, at once: thirty browsers open six each."""


def main() -> int:
    """Serve until SIGINT or SIGTERM; the exit code is 1, with a sentence, when it cannot start."""
    logs.set_up("room")
    # Addresses hold the codes of sign-ins, and each exchange would be a line.
    for chatty in ("httpx2", "httpcore2", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        telemetry.start("room")
        asyncio.run(run(load(RoomSettings)))
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    return 0


async def run(settings: RoomSettings) -> None:
    """Serve. Raises ConfigError for a certificate that cannot be used, NotReady for a port that cannot be had."""
    tls = context(settings)
    async with async_client(timeout=READ_SECONDS, connections=CONNECTIONS) as client:
        front = RoomFront(settings, client)
        endpoints = [
            Endpoint("room", front, settings.room_bind, settings.room_port, tls=tls, socket_bytes=FROM_BROWSER)
        ]
        if settings.room_authority is not None:
            page = RoomPage(settings, x509.load_pem_x509_certificate(settings.room_authority.read_bytes()))
            endpoints.append(Endpoint("certificate page", page, settings.room_bind, settings.room_page_port))
        await serve(endpoints)


def context(settings: RoomSettings) -> ssl.SSLContext:
    """TLS as a server that asks nobody for a certificate. Raises ConfigError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(settings.room_certificate, settings.room_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"The room's certificate cannot be used: {type(error).__name__}.",
            fix="ROOM_CERTIFICATE names its certificate with the chain (PEM), ROOM_KEY its key.",
        ) from error
    return made


if __name__ == "__main__":
    sys.exit(run_command(main))
