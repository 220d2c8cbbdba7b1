"""``./demo bench start``: a warm start of everything, against Keycloak's stock start alone, in turns."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fastmcp_vault.errors import NotReady
from fastmcp_vault.printable import show
from stack import control, distribution, instance, programs, status, testing
from stack.keycloak import KeycloakPart, tables
from stack.layout import ROOT, Layout
from stack.part import Instance, Say
from stack.ports import free_offset
from stack.postgres import Postgres
from stack.processes import Launch, end, spawn, wait_until
from stack.services import PORTS

_PATIENCE = 180.0


def main(layout: Layout, arguments: Sequence[str], *, say: Say) -> int:
    """The command line of ``./demo bench start``."""
    parser = argparse.ArgumentParser(prog="./demo bench start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    return compare_starts(layout, rounds=parser.parse_args(arguments).rounds, say=say)


def compare_starts(layout: Layout, *, rounds: int, say: Say) -> int:
    """Print both medians (seconds) and their ratio; 0 when the whole demo starts sooner than stock Keycloak.

    Each round: PostgreSQL up, ``kc.sh start --optimized`` timed to its first healthy answer, all stopped;
    then ``up -d`` timed from the command to its return, stopped. Same data, same database.
    """
    distribution.build(layout, say, distribution.STOCK_OPTIONS)
    layout.make()
    place = Layout(Path(tempfile.mkdtemp(prefix="bench-", dir=layout.state)), layout.runtime)
    place.make()
    offset = free_offset(PORTS.values())
    target = instance.make(place, instance.ports_at(offset))
    try:
        say("first start, not counted")
        _demo_up(place, offset)
        control.stop(place, lambda _status: None)
        stock, whole = [], []
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            stock.append(_stock_start(target))
            whole.append(_demo_up(place, offset))
            parts = status.read(place)
            control.stop(place, lambda _status: None)
            say(f"round {number}: stock Keycloak alone {stock[-1]:.2f} s, `up -d` {whole[-1]:.2f} s")
    finally:
        control.stop(place, lambda _status: None)
        testing.remove(place)
    before, after = statistics.median(stock), statistics.median(whole)
    show(f"Keycloak's stock `start --optimized` alone, on PostgreSQL: {before:.2f} s (median of {rounds})")
    show(f"Warm `./demo up -d`, everything ready and provisioned:     {after:.2f} s (median of {rounds})")
    show(f"That is {after / before:.2f} of it.")
    if parts:
        show(
            "In the last round, ready after: "
            + ", ".join(f"{service.title} {service.since - parts.began:.1f} s" for service in parts.services)
        )
    return 0 if after < before else 1


def _demo_up(layout: Layout, offset: int) -> float:
    """Seconds of ``./demo up -d``, from the command to its return."""
    places = {"DEMO_STATE_DIR": str(layout.state), "DEMO_RUNTIME_DIR": str(layout.runtime)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(ROOT / "demo"), "up", "-d", "--port-offset", str(offset)],
        check=False,
        env={**os.environ, **places},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    took = time.monotonic() - began
    if done.returncode:
        raise NotReady(f"The start to be measured failed: {done.stderr[-2000:]}")
    return took


def _stock_start(target: Instance) -> float:
    """Seconds of ``kc.sh start --optimized`` to its first healthy answer, PostgreSQL already running."""
    layout = target.layout
    database = Postgres(target, tables=tables(layout))
    server = KeycloakPart(target)
    running = spawn(database.launch(), log=layout.logs / "postgres.log", instance=layout.state)
    try:
        _wait(database.ready, "PostgreSQL")
        home = distribution.home(layout, distribution.STOCK_OPTIONS)
        stock = Launch(
            argv=(str(home / "bin" / "kc.sh"), "start", "--optimized", f"-Djava.io.tmpdir={layout.temporary}"),
            cwd=home,
            env=server.environment()
            | {"JAVA_HOME": str(programs.java()), "JAVA_OPTS_APPEND": programs.NO_SHARED_FILES},
        )
        began = time.monotonic()
        process = spawn(stock, log=layout.logs / "stock.log", instance=layout.state)
        try:
            _wait(server.ready, "stock Keycloak")
            return time.monotonic() - began
        finally:
            end(process, within=20)
    finally:
        end(running, ask=database.launch().stop, within=10)


def _wait(ready: Callable[[], bool], what: str) -> None:
    for _ in wait_until(time.monotonic() + _PATIENCE):
        if ready():
            return
    raise NotReady(f"{what} did not start within {_PATIENCE:g} s.")
