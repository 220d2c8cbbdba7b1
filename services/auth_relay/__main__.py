"""``python -m services.auth_relay``: the relay, in one process or several that share its folder."""

from __future__ import annotations

import sys

import uvicorn

from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from services.auth_relay.app import build
from services.auth_relay.settings import RelaySettings
from services.serving import GRACE_SECONDS, REQUEST_HEAD


def main() -> int:
    """Serve until SIGINT or SIGTERM; the exit code is 1, with a sentence, when the settings cannot be used."""
    try:
        settings = load(RelaySettings)
        build(settings)
    except Problem as problem:
        show(f"services.auth_relay: {problem}", file=sys.stderr)
        return 1
    logs.set_up("auth-relay", level="DEBUG" if settings.debug else "INFO")
    uvicorn.run(
        "services.auth_relay.app:create",
        factory=True,
        host=settings.bind_host,
        port=settings.relay_port,
        workers=settings.relay_workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        h11_max_incomplete_event_size=REQUEST_HEAD,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
