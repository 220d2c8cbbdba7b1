"""``./demo bench``: measures on a stack of its own, on free ports, and prints the table."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import people, table
from benchmarks.run import BenchPlan, Run
from common.command import run as run_command
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from stack import testing


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every goal is reached, 2 when one is not, 1 when it could not be measured."""
    parser = argparse.ArgumentParser(prog="./demo bench", description=__doc__)
    parser.add_argument("--users", default="10,100,1000", help="numbers of known users, smallest first")
    parser.add_argument("--write", action="store_true", help="keep the table in docs and benchmarks")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    options = parser.parse_args(arguments)
    plan = replace(BenchPlan(), levels=tuple(sorted(int(part) for part in options.users.split(","))))
    began = time.monotonic()

    def say(text: str) -> None:
        show(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr)

    try:
        with tempfile.TemporaryDirectory() as folder:
            users = people.write_users(Path(folder) / "users.yaml", plan.people)
            say(f"starting a stack with {plan.people:,} people")
            with testing.running(users_file=users) as stack:
                results = asyncio.run(Run(stack, people.read_users(users), plan, say).all())
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    results.seconds = time.monotonic() - began
    print(json.dumps(results.as_json(), ensure_ascii=False) if options.json else table.markdown(results))
    if options.write:
        table.write(results)
    return 0 if all(row.reached is not False for row in results.rows) else 2


if __name__ == "__main__":
    sys.exit(run_command(main))
