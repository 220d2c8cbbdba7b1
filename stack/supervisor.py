"""The one process that starts every part, watches them all, and stops them in reverse order."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from fastmcp_vault.errors import Problem
from stack import status
from stack.forked import Nursery
from stack.overridable import OVERRIDABLE
from stack.part import Instance
from stack.processes import Launch, ProcessHandle, ProcessIdentity, end, spawn
from stack.runner import STOP_SECONDS, Runner, RunnerEntry
from stack.services import given
from stack.status import STARTED, UP, StackStatus

TICK_SECONDS = 0.1
TIDY_SECONDS = 2.0


class Supervisor:
    """Runs ``entries`` until told to stop, or ``companion`` is gone; its status is on disk at every moment.

    ``afterwards`` is work for when everything is ready and nobody waits; a stop ends it half-done.
    """

    def __init__(
        self,
        instance: Instance,
        entries: Sequence[RunnerEntry],
        *,
        began: float,
        companion: ProcessIdentity | None = None,
        afterwards: Launch | None = None,
        modules: Sequence[str] = (),
    ) -> None:
        self._companion = companion
        self._afterwards = afterwards
        self._modules = modules
        self._nursery: Nursery | None = None
        self._instance = instance
        self._began = began
        self._tidied = time.monotonic()
        self._stop = threading.Event()
        self._writing = threading.Lock()
        layout = instance.layout
        self._runners = {
            entry.name: Runner(
                entry,
                log=layout.logs / f"{entry.name}.log",
                instance=layout.state,
                changed=self._changed,
                start=self._start,
            )
            for entry in entries
        }
        me = ProcessIdentity.of(os.getpid())
        self.status = StackStatus(
            phase="starting",
            pid=os.getpid(),
            started=me.started if me else 0.0,
            began=began,
            ports=dict(instance.ports),
            users_file=str(instance.users_file),
            room=asdict(instance.room) if instance.room else {},
            given=given(os.environ),
            services=[runner.status for runner in self._runners.values()],
        )

    def stop_on_signals(self) -> None:
        """SIGTERM, SIGINT (Ctrl-C) and SIGHUP (terminal closed) stop everything in order."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())

    def run(self, tick: Callable[[StackStatus], None] = lambda _status: None) -> int:
        """Start everything and stay until stopped; 0 after an orderly stop, 1 when the start failed.

        ``tick`` is called about ten times a second with the status.
        """
        if self._modules and Nursery.can():
            layout = self._instance.layout
            self._nursery = Nursery(
                self._modules,
                env={name: os.environ[name] for name in OVERRIDABLE if name in os.environ},
                log=layout.logs / "nursery.log",
                instance=layout.state,
                cwd=layout.root,
            )
        for runner in self._runners.values():
            runner.start(self._used(runner.entry) if runner.entry.waits else [], self._needed(runner.entry))
        problem = None
        with contextlib.ExitStack() as stack:
            try:
                while not self._stop.wait(TICK_SECONDS):
                    problem = self._first_problem() if self.status.ready_after is None else None
                    if problem or (self._companion and not self._companion.process()):
                        break
                    self._do_afterwards(stack)
                    self._tidy()
                    tick(self.status)
            except BaseException:
                # Whoever watched is gone (a cut pipe, say): nothing may stay behind.
                self._shut_down(failed=False)
                raise
        if problem:
            self.status.what, self.status.fix = problem.what, problem.fix
        self._shut_down(failed=problem is not None)
        tick(self.status)
        return 1 if problem else 0

    def _start(self, launch: Launch, *, log: Path, instance: Path) -> ProcessHandle:
        """Fork it for the first start, where it can be; a restart later gets an interpreter of its own."""
        if launch.module and self._nursery and self.status.phase == "starting":
            forked = self._nursery.spawn(launch, log=log, instance=instance)
            if forked is not None:
                return forked
        return spawn(launch, log=log, instance=instance)

    def _used(self, entry: RunnerEntry) -> list[Runner]:
        return [self._runners[name] for name in entry.uses if name in self._runners]

    def _needed(self, entry: RunnerEntry) -> list[Runner]:
        """What it uses, and what provisions that (and so uses it too)."""
        provisioning = [
            runner
            for runner in self._runners.values()
            if runner.entry.one_shot
            and entry.name not in runner.entry.uses
            and set(entry.uses) & set(runner.entry.uses)
        ]
        return [*self._used(entry), *(runner for runner in provisioning if runner.entry.name != entry.name)]

    def _do_afterwards(self, stack: contextlib.ExitStack) -> None:
        if self._afterwards and self.status.phase == "ready":
            layout = self._instance.layout
            process = spawn(self._afterwards, log=layout.logs / "afterwards.log", instance=layout.state)
            stack.callback(end, process, within=STOP_SECONDS)
            self._afterwards = None

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied < TIDY_SECONDS:
            return
        self._tidied = time.monotonic()
        for runner in self._runners.values():
            runner.tidy()

    def _first_problem(self) -> Problem | None:
        return next((runner.problem for runner in self._runners.values() if runner.problem), None)

    def _changed(self) -> None:
        with self._writing:
            up = all(entry.phase in UP for entry in self.status.services)
            if self.status.phase == "starting" and up:
                self.status.phase = "ready"
                self.status.ready_after = time.time() - self._began
            elif self.status.phase in STARTED:
                self.status.phase = "ready" if up else "degraded"
            status.write(self._instance.layout, self.status)

    def _shut_down(self, *, failed: bool) -> None:
        """Stop in waves: always those that nobody still running uses."""
        self.status.phase = "stopping"
        if self._nursery:
            self._nursery.stop_importing()
        left = dict(self._runners)
        with ThreadPoolExecutor(max_workers=max(1, len(left))) as pool:
            while left:
                used = {name for runner in left.values() for name in runner.entry.uses}
                wave = [name for name in left if name not in used] or list(left)
                list(pool.map(lambda name: left[name].stop(), wave))
                for name in wave:
                    del left[name]
        if self._nursery:
            self._nursery.close()
        self.status.phase = "failed" if failed else "stopped"
        with self._writing:
            status.write(self._instance.layout, self.status)
