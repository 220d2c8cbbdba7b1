"""``python -m services agent_auth biz_service``: the agents' services in one process; each also runs alone."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence

from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault import telemetry
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from services.agents.run import AGENT_AUTH, BIZ_SERVICE, run
from services.agents.settings import AgentsSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; the exit code is 1, with a sentence, when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    parser.add_argument("services", nargs="+", choices=[AGENT_AUTH, BIZ_SERVICE], help="which services to run")
    names = list(dict.fromkeys(parser.parse_args(arguments).services))
    logs.set_up("agents")
    for chatty in ("fastmcp", "mcp"):
        logging.getLogger(chatty).handlers.clear()
        logging.getLogger(chatty).propagate = True
    logging.getLogger("mcp").setLevel(logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    try:
        telemetry.start("agents")
        asyncio.run(run(load(AgentsSettings), names))
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
