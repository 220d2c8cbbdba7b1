"""What each command of ``./demo`` does."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace
from pathlib import Path

from common.errors import InputError, NotReady
from stack import control, display, ports, status
from stack.display import Progress
from stack.instance import make, ports_at
from stack.layout import Layout
from stack.part import Instance
from stack.python_service import environment
from stack.services import PORTS, SERVICES


def up(layout: Layout, options: Namespace, began: float) -> int:
    """Start everything; in the foreground, stay until Ctrl-C."""
    progress = Progress()
    if control.is_running(layout):
        now = control.follow(layout, progress.show)
        progress.clear()
        print(f"The demo is already up.\n\n{display.addresses(_running_instance(layout, now))}")
        return 0
    chosen = ports.free_ports(PORTS) if options.free_ports else ports_at(options.port_offset)
    instance = make(layout, chosen)
    plan = control.Plan(instance, began, only=options.only, companion=options.while_pid)
    if not options.detach:
        return _in_the_foreground(plan, progress)
    try:
        control.start(plan)
        now = control.follow(layout, progress.show, since=began)
    except KeyboardInterrupt:
        control.stop(layout, progress.show)
        raise
    finally:
        progress.clear()
    print(f"Everything is ready after {now.ready_after:.1f} s.\n\n{display.addresses(instance)}")
    return 0


def _in_the_foreground(plan: control.Plan, progress: Progress) -> int:
    told = False

    def tick(now: status.StackStatus) -> None:
        nonlocal told
        progress.show(now)
        if now.phase == "ready" and not told:
            told = True
            progress.clear()
            print(f"Everything is ready after {now.ready_after:.1f} s. Ctrl-C stops it.\n")
            print(display.addresses(plan.instance), flush=True)

    failed = control.run(plan, tick)
    progress.clear()
    now = status.read(plan.instance.layout)
    if failed and now:
        raise NotReady(now.what, fix=now.fix)
    print("Everything is stopped.")
    return 0


def down(layout: Layout, options: Namespace, began: float) -> int:
    """Stop everything; nothing of this instance is alive afterwards."""
    progress = Progress()
    stopped = control.stop(layout, progress.show)
    progress.clear()
    print("Everything is stopped." if stopped else "The demo is not running.")
    return 0


def env(layout: Layout, options: Namespace, began: float) -> int:
    """Print one process's environment: ``eval "$(./demo env init)"`` then run it by hand."""
    instance = running_or_default(layout)
    known = {service.name: service for service in SERVICES if service.module}
    if options.service not in known:
        raise InputError(f"No environment for {options.service}.", fix=f"Choose one of {', '.join(known)}.")
    for name, value in sorted(environment(instance, known[options.service]).items()):
        print(f"export {name}={shlex.quote(value)}")
    return 0


def status_(layout: Layout, options: Namespace, began: float) -> int:
    """Show the services; exit code 0 when everything is up, 3 when not (as init scripts do)."""
    now = status.read(layout)
    running = control.is_running(layout)
    if now is None or not running:
        if options.json:
            print(json.dumps({"phase": "stopped", "services": []}))
        else:
            print("The demo is not running.")
        return 3
    if options.json:
        print(json.dumps(now.as_json(), indent=2))
    else:
        print(f"The demo is {now.phase}.\n\n{display.table(now)}")
    return 0 if now.phase == "ready" else 3


def running_or_default(layout: Layout) -> Instance:
    """The instance that runs here, or the one that would."""
    now = status.read(layout)
    if now is not None and control.is_running(layout):
        return _running_instance(layout, now)
    return make(layout, ports_at(0))


def _running_instance(layout: Layout, now: status.StackStatus) -> Instance:
    return make(layout, now.ports, Path(now.users_file) if now.users_file else None)
