"""What each command of ``./demo`` does."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from common.ports import BLOCKED_BY_BROWSERS
from fastmcp_vault.errors import InputError, NotReady
from fastmcp_vault.printable import show
from stack import control, display, distribution, maven, other_vault, ports, postgres, room, status, warmup, zipkin
from stack.display import ProgressDisplay
from stack.instance import make, ports_at
from stack.layout import Layout
from stack.overridable import METRICS, TRACES
from stack.part import Instance, RoomAddress
from stack.processes import base_environment, last_lines
from stack.python_service import environment
from stack.services import FRONT, PORTS, SERVICES, USUAL, given, service

WORKERS = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "--max-worker-restart", "0")
"""How ``./demo test`` shares out the tests (pytest-xdist): whole files, in the order that tests/conftest.py gives."""


def up(layout: Layout, options: Namespace, began: float) -> int:
    """Start everything; in the foreground, stay until Ctrl-C."""
    progress = ProgressDisplay()
    if options.observe:
        _observe(options)
    asked = _room(options)
    if control.is_running(layout):
        now = control.follow(layout, progress.show)
        progress.clear()
        _refuse_other_settings(now, options, asked)
        show(
            f"The demo is already up. {display.verdict(now)}",
            "",
            *display.addresses(_running_instance(layout, now), now),
        )
        return 0
    chosen = _free_ports(layout) if options.free_ports else ports_at(options.port_offset)
    users = room.prepare(layout, make(layout, chosen).users_file) if asked else None
    instance = make(layout, chosen, users, asked)
    plan = control.ControlPlan(instance, began, only=options.only, companion=options.while_pid)
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
    show(f"Everything is ready after {now.ready_after:.1f} s.", "", *display.addresses(instance, now))
    return 0


def _observe(options: Namespace) -> None:
    """Metrics for Prometheus and spans for Zipkin, beside what the caller's environment asks for, and these two."""
    for variable, exporter in ((METRICS, "prometheus"), (TRACES, "zipkin")):
        usual = "otlp" if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") else ""
        asked = [name for name in os.environ.get(variable, usual).split(",") if name not in {"", "none"}]
        os.environ[variable] = ",".join(dict.fromkeys([*asked, exporter]))
    options.only = (*(options.only or USUAL), "prometheus", "zipkin")


def _room(options: Namespace) -> RoomAddress | None:
    """The room that is asked for, and its front among the services. Raises InputError."""
    if not options.room:
        if options.room_certificate or options.room_key:
            raise InputError("A room's certificate needs its address.", fix="Give it, too: --room ADDRESS.")
        return None
    options.only = (*(options.only or USUAL), FRONT)
    return room.asked(options.room, options.room_certificate, options.room_key)


def _refuse_other_settings(now: status.StackStatus, options: Namespace, asked: RoomAddress | None) -> None:
    """Raises InputError when this ``up`` asks for settings that the running demo was not started with."""
    others = [name for name, digest in given(os.environ).items() if now.given.get(name) != digest]
    if options.port_offset and now.ports != ports_at(options.port_offset):
        others.append("--port-offset")
    if asked is not None and now.room != asdict(asked):
        others.append("--room")
    if others:
        raise InputError(
            f"The demo is already up, with another value of {', '.join(others)}; nothing was changed.",
            fix="Run `./demo down`, then this command again.",
        )


def _free_ports(layout: Layout) -> dict[str, int]:
    """Any free ports, but those of this instance's last start again when there was one."""
    last = status.read(layout)
    kept = {name: port for name, port in last.ports.items() if port not in BLOCKED_BY_BROWSERS} if last else {}
    return ports.free_ports(name for name in PORTS if name not in kept) | kept


def _in_the_foreground(plan: control.ControlPlan, progress: ProgressDisplay) -> int:
    told = False

    def tick(now: status.StackStatus) -> None:
        nonlocal told
        progress.show(now)
        if now.phase == "ready" and not told:
            told = True
            progress.clear()
            said = f"Everything is ready after {now.ready_after:.1f} s. Ctrl-C stops it."
            show(said, "", *display.addresses(plan.instance, now))

    failed = control.run(plan, tick)
    progress.clear()
    now = status.read(plan.instance.layout)
    if failed and now:
        raise NotReady(now.what, fix=now.fix)
    show("Everything is stopped.")
    return 0


def down(layout: Layout, options: Namespace, began: float) -> int:
    """Stop everything; nothing of this instance is alive afterwards."""
    progress = ProgressDisplay()
    stopped = control.stop(layout, progress.show)
    progress.clear()
    show("Everything is stopped." if stopped else "The demo is not running.")
    return 0


def env(layout: Layout, options: Namespace, began: float) -> int:
    """Print one process's environment: ``eval "$(./demo env init)"`` then run it by hand."""
    instance = running_or_default(layout)
    known = {entry.name: entry for entry in SERVICES if entry.module}
    if options.service not in known:
        raise InputError(f"No environment for {options.service}.", fix=f"Choose one of {', '.join(known)}.")
    for name, value in sorted(environment(instance, known[options.service]).items()):
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


def status_(layout: Layout, options: Namespace, began: float) -> int:
    """Show the services; exit code 0 when everything is up, 3 when not (as init scripts do)."""
    now = status.read(layout)
    running = control.is_running(layout)
    if now is None or not running:
        if options.json:
            show(json.dumps({"phase": "stopped", "services": []}))
        else:
            show("The demo is not running.")
        return 3
    if options.json:
        show(*json.dumps(now.as_json(), indent=2).split("\n"))
    else:
        told = room.lines(_running_instance(layout, now))
        show(display.verdict(now), "", *display.table(now), *(["", *told] if told else []))
    return 0 if now.phase == "ready" else 3


def logs(layout: Layout, options: Namespace, began: float) -> int:
    """Show one service's log, or the last lines of each; with ``-f`` go on until Ctrl-C."""
    found = {path.stem: path for path in sorted(layout.logs.glob("*.log"))}
    if options.service and options.service not in found:
        raise InputError(
            f"There is no log of {options.service}.", fix=f"Logs: {', '.join(found) or 'none yet: run `./demo up`'}."
        )
    if options.service and not options.follow:
        with _opened(found[options.service]) as file:
            for line in file:
                show(line.removesuffix("\n"))
        return 0
    chosen = {options.service: found[options.service]} if options.service else found
    offsets = {}
    for name, path in chosen.items():
        offsets[name] = path.stat().st_size
        show(*(f"{name:<14}{line}" for line in last_lines(path)))
    while options.follow:
        time.sleep(0.2)
        for name, path in chosen.items():
            size = path.stat().st_size
            offsets[name] = offsets[name] if offsets[name] <= size else 0
            if size > offsets[name]:
                with _opened(path) as file:
                    file.seek(offsets[name])
                    for line in file:
                        show(f"{name:<14}{line.rstrip()}")
                    offsets[name] = file.tell()
    return 0


def _opened(log: Path) -> TextIO:
    """A log to read by its lines: other characters that end a line somewhere end none here."""
    return log.open(errors="replace", newline="\n")


def init(layout: Layout, options: Namespace, began: float) -> int:
    """Provision again from the users file, by hand, or another Vault; its own exit code."""
    return _as_init(layout, "init", options.arguments)


def clients(layout: Layout, options: Namespace, began: float) -> int:
    """Remove registered clients that nobody uses; the program's own exit code."""
    return _as_init(layout, "init.clients", options.arguments)


def people(layout: Layout, options: Namespace, began: float) -> int:
    """Add, list and remove the people of a room, or offboard somebody; the program's own exit code."""
    return _as_init(layout, "init.people", options.arguments)


def person(layout: Layout, options: Namespace, began: float) -> int:
    """Suspend somebody everywhere, or let them go on; the program's own exit code."""
    return _as_init(layout, "init.principals", ["person", *options.arguments])


def client(layout: Layout, options: Namespace, began: float) -> int:
    """The same for a client."""
    return _as_init(layout, "init.principals", ["client", *options.arguments])


def audit(layout: Layout, options: Namespace, began: float) -> int:
    """Who did what, as the app's account may read it; the program's own exit code."""
    now = status.read(layout)
    if now is None or not control.is_running(layout):
        raise NotReady("The demo is not running, so its audit trail cannot be read.", fix="Start it: `./demo up -d`.")
    own = environment(_running_instance(layout, now), service("app"))
    return subprocess.run(
        [sys.executable, "-m", "app.audit_command", *options.arguments],
        check=False,
        cwd=layout.root,
        env=base_environment(layout.temporary) | own,
    ).returncode


def _as_init(layout: Layout, module: str, arguments: Sequence[str]) -> int:
    policy = module == "init" and other_vault.writes_policy(arguments)
    if not policy and not control.is_running(layout):
        raise NotReady("The demo is not running, so there is nothing to provision.", fix="Start it: `./demo up -d`.")
    own = environment(running_or_default(layout), service("init"))
    if module == "init":
        own = other_vault.settings(own, arguments, os.environ)
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=False,
        # A file is read, or written, where the caller is.
        cwd=os.environ.get("DEMO_CALLED_FROM") or layout.root if policy or module == "init.people" else layout.root,
        env=base_environment(layout.temporary) | own | {"PYTHONPATH": str(layout.root)},
    ).returncode


def agent(layout: Layout, options: Namespace, began: float) -> int:
    """Suspend, resume or list MCP servers in the shared state; or an agent's certificate. The program's exit code."""
    now = status.read(layout)
    if now is None or not control.is_running(layout):
        raise NotReady("The demo is not running, so no agent is.", fix="Start it: `./demo up -d`.")
    instance = _running_instance(layout, now)
    if options.verb in ("new", "revoke", "rotate-key"):
        own = environment(instance, service("init"))
        return subprocess.run(
            [sys.executable, "-m", "init.agent", options.verb, *options.arguments],
            check=False,
            cwd=os.environ.get("DEMO_CALLED_FROM") or layout.root,
            env=base_environment(layout.temporary) | own | {"PYTHONPATH": str(layout.root)},
        ).returncode
    own = environment(instance, service("init"))
    words = [options.verb]
    if options.verb != "list":
        words += ["--", options.server]
    if options.verb == "suspend":
        words[1:1] = [f"--reason={options.reason}"]
    return subprocess.run(
        [sys.executable, "-m", "init.suspend", *words],
        check=False,
        cwd=layout.root,
        env=base_environment(layout.temporary) | {"STATE_DSN": own["STATE_DSN"]},
    ).returncode


def reset(layout: Layout, options: Namespace, began: float) -> int:
    """Stop and forget everything people and servers have put in; what was downloaded and built stays."""
    if not options.yes:
        if not sys.stdin.isatty():
            raise InputError("`reset` deletes all data of the demo.", fix="Say so: `./demo reset --yes`.")
        if input(f"Delete all data of the demo in {layout.data}? [y/N] ").strip().lower() not in ("y", "yes"):
            show("Nothing was deleted.")
            return 1
    control.stop(layout, lambda _status: None)
    postgres.remove_data(layout.data / "postgres")
    for folder in (layout.data, layout.logs, layout.temporary):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (layout.secrets, layout.status):
        file.unlink(missing_ok=True)
    show("All data is deleted; the next `./demo up` starts over.")
    return 0


def fetch(layout: Layout, options: Namespace, began: float) -> int:
    """Everything that a later `up` would download, build or record, now."""
    layout.make()
    progress = ProgressDisplay()
    distribution.build(layout, progress.step)
    warmup.record(layout, progress.step)
    if options.observe:
        maven.fetch(zipkin.ARCHIVE, progress.step)
    progress.clear()
    show("Everything is here: `./demo up` needs no network now.")
    return 0


def compose(layout: Layout, options: Namespace, began: float) -> int:
    """Write what docker-compose.yml, .env.example and the chart say of each MCP server."""
    from stack.compose import write  # noqa: PLC0415 - only here

    for name, changed in write(layout.root).items():
        show(f"{'changed' if changed else 'unchanged'}: {name}")
    return 0


def record(layout: Layout, options: Namespace, began: float) -> int:
    """Record Keycloak's start at the lowest priority; ended half-done, it leaves nothing behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.nice(19)
    warmup.record(layout, ProgressDisplay().step)
    return 0


def doctor(layout: Layout, options: Namespace, began: float) -> int:
    """Check this machine; 1 when something is missing that the demo cannot do without."""
    from stack.doctor import examine  # noqa: PLC0415 - only here

    findings = examine(layout)
    for finding in findings:
        show(f"  {'ok     ' if finding.good else 'MISSING' if finding.needed else 'note   '}  {finding.text}")
    return 1 if any(finding.needed and not finding.good for finding in findings) else 0


def test(layout: Layout, options: Namespace, began: float) -> int:
    """Run the tests, in place of this process: files are dealt out to workers, unless ``-n`` says otherwise."""
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *WORKERS, *options.arguments])  # noqa: S606


def bench(layout: Layout, options: Namespace, began: float) -> int:
    """Measure the servers, in place of this process, or a warm start against Keycloak's stock start alone."""
    if options.arguments[:1] != ["start"]:
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks", *options.arguments])  # noqa: S606
    from stack.bench import main  # noqa: PLC0415 - only here

    return main(layout, options.arguments[1:], say=ProgressDisplay().step)


def kubernetes(layout: Layout, options: Namespace, began: float) -> int:
    """Try the chart on a real cluster, in place of this process."""
    if options.arguments[:1] != ["test"]:
        raise InputError("There is `./demo kubernetes test`.", fix="It brings a cluster up, and takes it away again.")
    os.execv(sys.executable, [sys.executable, "-m", "tests.kubernetes", *options.arguments[1:]])  # noqa: S606


def running_or_default(layout: Layout) -> Instance:
    """The instance that runs here, or the one that would."""
    now = status.read(layout)
    if now is not None and control.is_running(layout):
        return _running_instance(layout, now)
    return make(layout, ports_at(0))


def _running_instance(layout: Layout, now: status.StackStatus) -> Instance:
    users = Path(now.users_file) if now.users_file else None
    return make(layout, now.ports, users, RoomAddress(**now.room) if now.room else None)
