"""The command line behind ``./demo``, as ``python -m stack <command>``; ``--help`` lists the commands."""

from __future__ import annotations

import argparse
import os
import sys
import time

from common.command import run as run_command
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from stack import commands
from stack.display import sentence
from stack.layout import Layout


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    top = argparse.ArgumentParser(prog="demo", description="The MCP Remote Vault demo on this machine.")
    verbs = top.add_subparsers(dest="command", required=True, metavar="command")

    up = verbs.add_parser("up", help="start everything and provision it; Ctrl-C stops it")
    up.add_argument("-d", "--detach", action="store_true", help="return when everything is ready; stop with `down`")
    up.add_argument("--port-offset", type=int, default=0, metavar="N", help="add N to every port")
    up.add_argument("--only", type=_names, metavar="A,B", help="start these services only")
    up.add_argument("--free-ports", action="store_true", help="take any free ports instead of the usual ones")
    up.add_argument("--observe", action="store_true", help="metrics and spans, with Prometheus and Zipkin")
    up.add_argument("--room", default="", metavar="ADDRESS", help="serve a room: HTTPS at this host name or address")
    up.add_argument("--room-certificate", default="", metavar="FILE", help="a certificate for it (PEM), with its chain")
    up.add_argument("--room-key", default="", metavar="FILE", help="that certificate's key (PEM)")
    up.add_argument("--while-pid", type=int, metavar="PID", help="stop by itself when that process is gone")
    verbs.add_parser("down", help="stop everything; data stays")
    status = verbs.add_parser("status", help="what runs, since when, with which trouble")
    status.add_argument("--json", action="store_true", help="for programs")
    logs = verbs.add_parser("logs", help="show a service's log, or the end of each")
    logs.add_argument("service", nargs="?")
    logs.add_argument("-f", "--follow", action="store_true", help="keep showing what is added")
    agent = verbs.add_parser("agent", help="agents' certificates and keys; stop an MCP server for everybody")
    agents = agent.add_subparsers(dest="verb", required=True, metavar="verb")
    suspend = agents.add_parser("suspend", help="refuse every call, revoke every credential it holds")
    suspend.add_argument("server", metavar="mcp-…")
    suspend.add_argument("--reason", default="", help="shown to everybody who is refused")
    resume = agents.add_parser("resume", help="lift the suspension")
    resume.add_argument("server", metavar="mcp-…")
    for verb, about in PROVISIONING_VERBS.items():
        agents.add_parser(verb, help=about, add_help=False)
    agents.add_parser("list", help="which servers are suspended, since when, and why")
    verbs.add_parser("init", help="provision again from init/users.yaml", add_help=False)
    verbs.add_parser("clients", help="`clients prune` removes registered clients that nobody uses", add_help=False)
    verbs.add_parser(
        "people",
        help="people of a room: `people add --count 30`, remove, list, password; offboard NAME",
        add_help=False,
    )
    verbs.add_parser("person", help="`person suspend NAME`: refuse somebody everywhere; resume, list", add_help=False)
    verbs.add_parser("client", help="`client suspend CLIENT_ID`: refuse a client; resume, list", add_help=False)
    verbs.add_parser("audit", help="who did what; `audit verify` checks that nobody changed it", add_help=False)
    reset = verbs.add_parser("reset", help="stop and forget all data: start over")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    fetch = verbs.add_parser("fetch", help="download and build everything beforehand")
    fetch.add_argument("--observe", action="store_true", help="also what `up --observe` needs")
    verbs.add_parser("record", help="record Keycloak's start, so that later ones are quicker (`up` does this once)")
    verbs.add_parser("compose", help="write what compose and the chart say of each MCP server (common/servers.py)")
    verbs.add_parser("doctor", help="check this machine and say what is missing")
    verbs.add_parser("test", help="run the tests; further arguments are pytest's", add_help=False)
    bench = "measure the servers; `bench start` a warm start instead (further arguments: `bench --help`)"
    verbs.add_parser("bench", help=bench, add_help=False)
    cluster = "`kubernetes test`: the Helm chart on a real cluster of one node, and away again (Debian, root)"
    verbs.add_parser("kubernetes", help=cluster, add_help=False)
    env = verbs.add_parser("env", help="a service's environment, as `export` lines (holds secrets)")
    env.add_argument("service")
    return top


HANDS_OVER = ("init", "clients", "people", "person", "client", "audit", "test", "bench", "kubernetes")
"""Commands of programs that read their arguments themselves."""

PROVISIONING_VERBS = {
    "new": "a key and a certificate for an agent: NAME --scope SCOPE …",
    "revoke": "end an agent's certificate now",
    "rotate-key": "sign agents' tokens with a new key",
}
"""Verbs of ``agent`` that `init/agent.py` reads itself."""


def _options(arguments: list[str] | None) -> argparse.Namespace:
    reader = parser()
    options, rest = reader.parse_known_args(arguments)
    own_reader = options.command in HANDS_OVER or getattr(options, "verb", "") in PROVISIONING_VERBS
    if rest and not own_reader:
        reader.error(f"unrecognized arguments: {' '.join(rest)}")
    options.arguments = rest
    return options


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code. A problem is one sentence on standard error, never a traceback."""
    began = time.time()
    options = _options(arguments)
    os.umask(0o077)  # data, logs and secrets are their owner's alone
    layout = Layout.from_environment()
    try:
        return int(
            getattr(commands, {"status": "status_"}.get(options.command, options.command))(layout, options, began)
        )
    except Problem as problem:
        show(*sentence(problem), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run_command(main))
