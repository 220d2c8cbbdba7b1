"""`python -m mcp_servers jira`: one MCP server, until it is asked to stop."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from common import logs
from common.command import run as run_command
from common.servers import SERVERS
from common.settings import load
from fastmcp_vault import telemetry
from fastmcp_vault.errors import ConfigError
from fastmcp_vault.printable import show
from mcp_servers.kind import server_named
from mcp_servers.server import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1, with a sentence, if the settings cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m mcp_servers", description="Run one MCP server.")
    parser.add_argument("server", choices=sorted(SERVERS), help="which one")
    server = parser.parse_args(arguments).server
    try:
        settings = load(server_named(server).settings)
        logs.set_up(settings.client_id, gather_seconds=0.1)
        telemetry.start(settings.client_id)
    except ConfigError as error:
        show(error, file=sys.stderr)
        return 1
    run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
