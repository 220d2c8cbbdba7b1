"""``python -m app``: serve the app until told to stop."""

from __future__ import annotations

import os
import sys

from app.asgi import build
from app.settings import AppSettings
from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault import telemetry
from fastmcp_vault.errors import ConfigError
from fastmcp_vault.printable import show


def main() -> int:
    """Serve; exit code 2 when the settings cannot be used."""
    logs.set_up("app")
    try:
        telemetry.start("app")
        settings = load(AppSettings)
    except ConfigError as error:
        show(error, file=sys.stderr)
        return 2
    # Streamlit starts uvicorn, which by default believes X-Forwarded-* of whoever connects from this machine.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    build(settings).run(
        config={
            "server.address": settings.bind_host,
            "server.port": settings.app_port,
            "server.headless": True,
            "server.fileWatcherType": "none",
            "server.allowedHosts": settings.allowed_hosts,
            "browser.serverAddress": settings.public_host,
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
