"""Starts and ends a supervisor from outside, and makes sure that nothing of an instance is left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psutil

from fastmcp_vault.errors import NotReady
from stack import ports, status, warmup
from stack.instance import entries, modules, ports_of, require_startable
from stack.layout import Layout
from stack.part import Instance
from stack.processes import Launch, ProcessIdentity, end_all, marked, wait_until
from stack.status import StackStatus
from stack.supervisor import Supervisor

STOP_SECONDS = 45.0
SWEEP_SECONDS = 10.0

Tick = Callable[[StackStatus], None]


@dataclass(frozen=True)
class ControlPlan:
    """What to start: the instance, since when the person waits, and how much of it for how long."""

    instance: Instance
    began: float
    only: tuple[str, ...] | None = None
    """These services, or all of them."""
    companion: int | None = None
    """A process id: when that process is gone, everything stops."""

    def supervisor(self) -> Supervisor:
        """A supervisor for it, ready to run in this process."""
        return Supervisor(
            self.instance,
            entries(self.instance, self.only),
            began=self.began,
            companion=ProcessIdentity.of(self.companion) if self.companion else None,
            afterwards=self._afterwards(),
            modules=modules(self.only),
        )

    def _afterwards(self) -> Launch | None:
        """Recording Keycloak's start, once; not for an instance that lives only as long as its caller (tests)."""
        layout = self.instance.layout
        if self.companion or (self.only and "keycloak" not in self.only) or warmup.is_done(layout):
            return None
        return Launch(
            argv=(sys.executable, "-m", "stack", "record"),
            cwd=layout.root,
            env={"DEMO_STATE_DIR": str(layout.state), "DEMO_RUNTIME_DIR": str(layout.runtime)},
        )


@dataclass
class Lock:
    """The right to run this instance. The kernel takes it back when the holder is gone, however it went."""

    descriptor: int

    @classmethod
    def take(cls, layout: Layout) -> Lock | None:
        """The lock, or None while another supervisor holds it."""
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Let go (of this process's hold on it)."""
        os.close(self.descriptor)


def is_running(layout: Layout) -> bool:
    """True while a supervisor holds this instance."""
    if not layout.lock.exists():
        return False
    lock = Lock.take(layout)
    if lock:
        lock.release()
    return lock is None


def start(plan: ControlPlan) -> None:
    """Start a supervisor in the background; the caller then follows its status. Raises PortBusy, NotReady."""
    with _held(plan):
        sys.stdout.flush()
        sys.stderr.flush()
        if os.fork() == 0:
            # The lock goes with the open file: it stays held until this child, too, has let go.
            _be_in_the_background(plan)


def run(plan: ControlPlan, tick: Tick) -> int:
    """Be the supervisor in the foreground until stopped. Raises PortBusy, NotReady."""
    with _held(plan):
        supervisor = plan.supervisor()
        supervisor.stop_on_signals()
        return supervisor.run(tick)


def follow(layout: Layout, tick: Tick, *, since: float = 0.0) -> StackStatus:
    """Watch a background supervisor until everything is ready. Raises NotReady with its sentence when it fails."""
    while True:
        running = is_running(layout)
        now = status.read(layout)
        if now is not None and now.began >= since:
            tick(now)
            if now.phase in status.STARTED:
                return now
            if now.phase == "failed":
                raise NotReady(now.what, fix=now.fix)
        if not running:
            raise NotReady(
                "The start was interrupted before everything was ready.",
                fix=f"Run it again; the supervisor's own log is {layout.logs / 'supervisor.log'}.",
            )
        time.sleep(0.03)


def stop(layout: Layout, tick: Tick) -> bool:
    """Stop everything of this instance; True if something ran. Nothing of it is alive afterwards."""
    was_running = is_running(layout)
    if was_running:
        known = status.read(layout)
        process = known.supervisor.process() if known else None
        if process:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGTERM)
        for _ in wait_until(time.monotonic() + STOP_SECONDS, 0.03):
            if not is_running(layout):
                break
            now = status.read(layout)
            if now:
                tick(now)
        else:
            if process:
                end_all([process], within=0)
    return sweep(layout) > 0 or was_running


def sweep(layout: Layout) -> int:
    """End every process of this instance; how many there were. For when no supervisor is there to do it in order."""
    return end_all(processes_of(layout), within=SWEEP_SECONDS)


def processes_of(layout: Layout) -> list[psutil.Process]:
    """Every living process that carries this instance's mark or that its last status names."""
    found = {process.pid: process for process in marked(layout.state)}
    known = status.read(layout)
    for service in known.services if known else []:
        process = service.identity.process() if service.identity else None
        if process:
            found[process.pid] = process
    return list(found.values())


@contextlib.contextmanager
def _held(plan: ControlPlan) -> Iterator[Lock]:
    """The instance locked, leftovers of a killed supervisor ended, ports free. Raises PortBusy, NotReady."""
    layout = plan.instance.layout
    require_startable(plan.instance, plan.only)
    layout.make()
    lock = Lock.take(layout)
    if lock is None:
        raise NotReady("The demo is already starting or running.", fix="`./demo status` shows it.")
    try:
        last = status.read(layout)
        if last is not None and last.phase not in ("stopped", "failed"):
            sweep(layout)
        ports.require_free(ports_of(plan.instance, plan.only))
        layout.empty_temporary()
        yield lock
    finally:
        lock.release()


def _be_in_the_background(plan: ControlPlan) -> NoReturn:
    """Leave the terminal, run the supervisor to its end, and leave without the caller's clean-up."""
    code = 1
    try:
        os.setsid()
        _redirect(plan.instance.layout.logs / "supervisor.log")
        supervisor = plan.supervisor()
        supervisor.stop_on_signals()
        code = supervisor.run()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: Path) -> None:
    """Standard output and error to ``log``, standard input from nowhere."""
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
