"""``python -m init [--dry-run] [--json]``: provisions Keycloak, PostgreSQL and Vault, and says what it did."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.printable import show
from init import vault_kubernetes, vault_least
from init.ledger import Ledger, LedgerEntry, LedgerOutcome
from init.run import PARTS, run
from init.settings import InitSettings

_SHOWN = 40
"""Objects named one by one in the report for people; of more, the rest is counted."""

_SIGNS = {LedgerOutcome.CREATED: "+", LedgerOutcome.CHANGED: "~", LedgerOutcome.REMOVED: "-", LedgerOutcome.LEFT: "!"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when everything is as wanted (or, with ``--dry-run``, could be told), 1 with one sentence why not."""
    parser = argparse.ArgumentParser(prog="./demo init", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document: every object and its outcome")
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help="only write the least Vault policy that a run needs (-: print it)",
    )
    parser.add_argument("--only", choices=PARTS, help="one part alone, for a workshop's step by step")
    chosen = parser.parse_args(arguments)
    logs.set_up("init")
    try:
        settings = load(InitSettings)
        if chosen.policy:
            return _write_policy(settings, chosen.policy)
        ledger = run(settings, dry_run=chosen.dry_run, only=chosen.only)
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    if chosen.json:
        sys.stdout.write(_as_json(ledger) + "\n")
    else:
        show(*_for_people(ledger))
    return 0


def _write_policy(settings: InitSettings, name: str) -> int:
    on_kubernetes = bool(settings.kubernetes_namespace)
    policy = vault_kubernetes.init_policy(settings) if on_kubernetes else vault_least.text(settings)
    if name == "-":
        sys.stdout.write(policy)
        return 0
    try:
        Path(name).write_text(policy)
    except OSError as error:
        raise InputError(f"{name} cannot be written: {error.strerror}.", fix="Name another file.") from error
    return 0


def _as_json(ledger: Ledger) -> str:
    counts = {outcome.value: count for outcome, count in ledger.counts().items()}
    return json.dumps({"dry_run": ledger.dry_run, "counts": counts, "objects": ledger.as_dicts()}, indent=2)


def _for_people(ledger: Ledger) -> list[str]:
    moved = [entry for entry in ledger.entries if entry.outcome in _SIGNS]
    lines = [_line(entry) for entry in moved[:_SHOWN]]
    if len(moved) > _SHOWN:
        lines.append(f"  … and {len(moved) - _SHOWN} more; `--json` names every one")
    counts = ", ".join(f"{count} {outcome.value}" for outcome, count in ledger.counts().items())
    lines.append(f"{'Would be' if ledger.dry_run else 'Provisioned'}: {counts}.")
    return lines


def _line(entry: LedgerEntry) -> str:
    note = f" ({entry.note})" if entry.note else ""
    return f"  {_SIGNS[entry.outcome]} {entry.part}: {entry.kind} {entry.name}{note}"


if __name__ == "__main__":
    sys.exit(run_command(main))
