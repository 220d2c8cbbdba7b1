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

from app.evidence import evidence
from app.settings import AppSettings
from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from fastmcp_vault.state import State
from fastmcp_vault.state.audit_rows import AuditRow, ChainCheck, ChainHead

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    top = argparse.ArgumentParser(prog="demo audit", description="Who did what through the MCP servers.")
    top.add_argument("what", nargs="?", choices=("show", "verify"), default="show", help="verify: check the chain")
    top.add_argument("--id", help="a correlation id; with what Vault, PostgreSQL and the back end wrote about it")
    top.add_argument("--person", help="a user name, as tokens have it")
    top.add_argument("--since", type=_since, default=0.0, help="30m, 2h, 7d, or a date and time as ISO 8601 has them")
    top.add_argument("--limit", type=int, default=100, help="actions that are shown at most, the newest")
    top.add_argument("--head", type=ChainHead.read, help="verify: NUMBER:HASH of an earlier check, to be in the chain")
    top.add_argument("--logs", type=Path, help="where the demo's logs lie (`./demo audit` says it)")
    return top


def _since(text: str) -> float:
    if span := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return time.time() - int(span[1]) * _UNITS[span[2]]
    return datetime.fromisoformat(text).timestamp()


async def run(options: argparse.Namespace, settings: AppSettings) -> tuple[list[str], bool]:
    """The lines to tell, and whether all is well. Raises StateUnavailable."""
    async with State(settings.state_dsn, application_name="audit") as state:
        if options.what == "verify":
            check = await state.audit_rows.verify(kept=options.head)
            return _verdict(check), not check.faults
        rows = await state.audit_rows.find(
            person=options.person, correlation_id=options.id, since=options.since, limit=options.limit
        )
    lines = [line for row in reversed(rows) for line in _told(row, options, settings)]
    return lines or ["Nothing in the audit trail fits."], True


def _verdict(check: ChainCheck) -> list[str]:
    gaps = [f"Never written: {gap}." for gap in check.gaps]
    if check.faults:
        return [*(f"BAD: {fault}." for fault in check.faults), f"The last good row: {check.head}", *gaps]
    before = f", after {check.pruned} that were pruned" if check.pruned else ""
    return [
        f"The chain holds: {check.rows} rows{before}.",
        f"Its head: {check.head}",
        "Keep the head elsewhere; `./demo audit verify --head …` then finds a chain that was cut or written anew.",
        *gaps,
    ]


def _told(row: AuditRow, options: argparse.Namespace, settings: AppSettings) -> list[str]:
    said = row.said
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(said.get("at") or row.written_at)))
    head = f"{when}  #{row.seq}  {said.get('person')} by {said.get('client')}: {said.get('server')} {said.get('tool')}"
    reason = f" ({said['code']}: {said.get('reason', '')})" if said.get("code") else ""
    lines = [f"{head}  {said.get('outcome')}{reason}"]
    lines += [
        f"    {name}: {said[key]}"
        for name, key in (
            ("arguments", "arguments"),
            ("credential", "credential"),
            ("Vault token's accessor", "accessor"),
            ("approved", "approved"),
            ("lost before it", "lost_before"),
            ("person", "sub"),
            ("correlation id", "correlation_id"),
        )
        if said.get(key)
    ]
    if options.id:
        for found in evidence(row, audit_file=settings.audit_file, logs=options.logs):
            lines += [f"    {found.part}: {line}" for line in found.lines]
            if found.missing:
                lines.append(f"    {found.part}: not joined: {found.missing}")
    return lines


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
