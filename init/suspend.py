"""The kill switch: `python -m init.suspend suspend mcp-jira` stops an MCP server for everybody; `resume`, `list`."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
import time
from collections.abc import Sequence

from common import logs
from common.command import run as run_command
from common.servers import MCP_SERVERS
from common.settings import CommonSettings, load
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from fastmcp_vault.state.store import State

NAMES = tuple(f"mcp-{server}" for server in MCP_SERVERS)

REVOKED_SECONDS = 5.0
"""How long `suspend` waits for the replicas to revoke what they hold."""


def parser() -> argparse.ArgumentParser:
    """The three verbs and what they take."""
    top = argparse.ArgumentParser(
        prog="python -m init.suspend", description="Suspend MCP servers, for everybody at once."
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="verb")
    suspend = verbs.add_parser("suspend", help="stop a server: every call is refused, every credential revoked")
    suspend.add_argument("server", choices=NAMES)
    suspend.add_argument("--reason", default="", help="shown to everybody who is refused")
    resume = verbs.add_parser("resume", help="lift a suspension")
    resume.add_argument("server", choices=NAMES)
    verbs.add_parser("list", help="which servers are suspended, since when, and why")
    return top


async def run(options: argparse.Namespace, settings: CommonSettings) -> list[str]:
    """Carry out one verb; the lines to tell. Raises StateUnavailable."""
    async with State(settings.state_dsn, application_name="state") as state:
        if options.verb == "suspend":
            held = len(await state.vault_tokens.of_server(options.server))
            await state.suspend(options.server, reason=options.reason.strip(), by=administrator())
            left = await _revoked(state, options.server)
            return [f"{options.server} is suspended for everybody. {_tally(held, left)}"]
        if options.verb == "resume":
            await state.resume(options.server, by=administrator())
            return [f"{options.server} serves again."]
        found = await state.suspensions()
        return [
            f"{s.server}  since {time.strftime('%Y-%m-%d %H:%M:%S %Z', time.localtime(s.since))}  {s.reason}".rstrip()
            for s in found
        ] or ["No MCP server is suspended."]


async def _revoked(state: State, server: str) -> int:
    """How many of the server's Vault tokens are left once no more are being revoked, or REVOKED_SECONDS are over."""
    deadline = time.monotonic() + REVOKED_SECONDS
    while (left := len(await state.vault_tokens.of_server(server))) and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes do it
        await asyncio.sleep(0.1)
    return left


def administrator() -> str:
    """Who is at this machine, for the record."""
    return f"{getpass.getuser()} (./demo)"


def _tally(held: int, left: int) -> str:
    if left:
        return f"{held - left} of its Vault tokens are revoked; {left} are not yet, and nobody can use them there."
    return f"Its Vault tokens ({held}) and their leases are revoked." if held else "It held no Vault token."


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1, with a sentence, when the state cannot be reached."""
    options = parser().parse_args(arguments)
    logs.set_up("state", level="ERROR")
    try:
        show(*asyncio.run(run(options, load(CommonSettings))))
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
