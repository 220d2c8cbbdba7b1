"""`python -m app.audit_command`: who did what, from the audit trail, with what other parts say; `verify` checks it."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from app.audit import ends_of
from app.evidence import evidence
from app.settings import AppSettings
from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from fastmcp_vault.state import State
from fastmcp_vault.state.audit_rows import AuditRow, ChainCheck, ChainHead

_WITNESS = re.compile(rb"The audit trail goes to (\d{1,18}:[0-9a-f]{64})")

_HEAD = ("person", "client", "server", "tool", "outcome", "deed")
_MORE = (
    "arguments",
    "credential",
    "accessor",
    "approved",
    "by",
    "held",
    "left_over",
    "per_minute",
    "at_once",
    "lost_before",
    "sub",
    "correlation_id",
    "trace_id",
)

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    top = argparse.ArgumentParser(prog="demo audit", description="Who did what through the MCP servers.")
    top.add_argument("what", nargs="?", choices=("show", "verify"), default="show", help="verify: check the chain")
    top.add_argument(
        "--id", help="a correlation id, or a trace's; with what Vault, PostgreSQL and the back end wrote about it"
    )
    top.add_argument("--person", help="a user name, as tokens have it")
    top.add_argument("--since", type=_since, default=0.0, help="30m, 2h, 7d, or a date and time as ISO 8601 has them")
    top.add_argument("--limit", type=int, default=100, help="actions that are shown at most, the newest")
    top.add_argument(
        "--head",
        type=ChainHead.read,
        action="append",
        default=[],
        help="verify: NUMBER:HASH that was kept from earlier",
    )
    return top


def _since(text: str) -> float:
    if span := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return time.time() - int(span[1]) * _UNITS[span[2]]
    return datetime.fromisoformat(text).timestamp()


async def run(options: argparse.Namespace, settings: AppSettings) -> tuple[list[str], bool]:
    """The lines to tell, and whether all is well. Raises StateUnavailable."""
    async with State(settings.state_dsn, application_name="audit") as state:
        if options.what == "verify":
            check = await state.audit_rows.verify([*options.head, *witnesses(settings.logs_dir)])
            return _verdict(check), not check.faults
        rows = await state.audit_rows.find(
            person=options.person, correlation_id=options.id, since=options.since, limit=options.limit
        )
    lines = [line for row in reversed(rows) for line in _told(row)]
    for row in rows if options.id else ():
        for found in evidence(row, settings, everybody=True):
            lines += [f"{found.part}: {line}" for line in found.lines or [found.missing]]
    return lines or ["Nothing in the audit trail fits."], True


def witnesses(folder: str) -> list[ChainHead]:
    """Heads of the chain that the MCP servers have logged: outside the database, so that it cannot change them."""
    logged = [line for path in sorted(Path(folder).glob("mcp-*.log")) if folder for line in ends_of(path)]
    return [ChainHead.read(found[1].decode()) for line in logged if (found := _WITNESS.search(line))]


def _verdict(check: ChainCheck) -> list[str]:
    gaps = [f"Never written: {gap}." for gap in check.gaps]
    if check.faults:
        return [*(f"BAD: {fault}." for fault in check.faults), f"The last good row: {check.head}", *gaps]
    before = f", after {check.pruned} that were pruned" if check.pruned else ""
    return [
        f"The chain holds: {check.rows} rows{before}. It agrees with {check.kept} heads that were kept elsewhere.",
        f"Its head: {check.head}",
        *gaps,
    ]


def _told(row: AuditRow) -> list[str]:
    said = row.said
    when = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(float(said.get("at") or row.written_at)))
    reason = f"({': '.join(filter(None, (said.get('code'), said.get('reason'))))})"
    what = [
        f"{when}  #{row.seq} ",
        *(str(said[key]) for key in _HEAD if said.get(key)),
        reason if reason != "()" else "",
    ]
    more = [f"    {name.replace('_', ' ')}: {said[name]}" for name in _MORE if said.get(name)]
    return [" ".join(filter(None, what)), *more]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1, with a sentence, when the chain is bad or the state cannot be reached."""
    options = parser().parse_args(arguments)
    logs.set_up("audit", level="ERROR")
    try:
        lines, well = asyncio.run(run(options, load(AppSettings)))
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    show(*lines)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(run_command(main))
