"""One service's life: wait, prepare, start, watch, restart with backoff, stop. One thread each."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import NotReady, Problem
from stack import growing
from stack.part import StackPart
from stack.processes import Launch, ProcessHandle, ProcessIdentity, end, last_lines, spawn
from stack.status import Phase, ServiceStatus


class Starter(Protocol):
    """What starts a process, as :func:`stack.processes.spawn` does."""

    def __call__(self, launch: Launch, *, log: Path, instance: Path) -> ProcessHandle:
        """The process, started."""


POLL_SECONDS = 0.025
POLL_SHARE = 1 / 50
"""Of the time that a process has taken to start already: the pause before it is asked again whether it is ready. Health
checks of a dozen processes, each asked forty times a second, took Keycloak's start a core."""

START_SECONDS = 600.0
"""A bound for busy machines, not a wait: a process that ends is noticed at once."""

STOP_SECONDS = 10.0
ATTEMPTS_AT_START = 3
"""A service that dies this often before it was ever ready fails the whole start."""

LOOK_SECONDS = 2.0
"""How often a service in use is asked for its health; unhealthy after two looks in a row without a good answer."""

STEADY_SECONDS = 60.0
"""After this long in service the next restart waits as little as the first."""


@dataclass(frozen=True)
class RunnerEntry:
    """One service for the supervisor: its part, and how it hangs together with the others."""

    name: str
    title: str
    part: StackPart
    uses: tuple[str, ...] = ()
    waits: bool = False
    one_shot: bool = False
    when_done: Callable[[], None] | None = None
    """Called when a one-shot has ended well."""


class Runner:
    """Runs one entry in a thread. ``changed`` is called after every change of ``status``."""

    def __init__(
        self,
        entry: RunnerEntry,
        *,
        log: Path,
        instance: Path,
        changed: Callable[[], None],
        patience: float = START_SECONDS,
        start: Starter = spawn,
    ) -> None:
        self._patience = patience
        self._start = start
        self.entry = entry
        self.status = ServiceStatus(entry.name, entry.title, since=time.time())
        self.problem: Problem | None = None
        self.up = threading.Event()
        """Set once ready (or done) for the first time."""
        self._log = log
        self._instance = instance
        self._changed = changed
        self._stopping = threading.Event()
        self._process: ProcessHandle | None = None
        self._launched = Launch((), Path())
        self._spawning = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=entry.name, daemon=True)

    def start(self, after: list[Runner], needs: list[Runner] | None = None) -> None:
        """Begin; ``after`` are the runners that must be up before this one's process starts.

        Without ``needs`` it cannot become ready: it is asked, and patience with it begins, when they are up.
        """
        self._after, self._needs = after, needs or []
        self._thread.start()

    def stop(self, within: float = STOP_SECONDS) -> None:
        """Stop for good: ask, wait at most ``within`` seconds, then kill the group. Returns when it is gone."""
        self._stopping.set()
        with self._spawning:
            process = self._process
        if process is not None:
            self._set("stopping")
            end(process, ask=self._launched.stop, within=within)
        if self._thread.is_alive():
            self._thread.join(within)
        if self.status.phase not in ("failed", "done"):
            self._set("stopped")

    def tidy(self) -> None:
        """Keep what it writes within bounds. A full disk is no reason to end anything."""
        with contextlib.suppress(OSError), self._spawning:
            growing.empty(self._log)
            if self._launched.writes and self._process is not None:
                growing.reopen(self._launched.writes, self._process)

    def _run(self) -> None:
        try:
            if self._wait_for_others():
                self._set("preparing")
                self.entry.part.prepare(lambda text: self._set("preparing", text))
                self._keep_running()
        except Problem as problem:
            self._fail(problem)
        except OSError as error:
            self._fail(_explain(self.entry.title, error))
        except Exception as error:
            self._fail(NotReady(f"{self.entry.title} could not be started: {type(error).__name__}: {error}."))
            raise

    def _wait_for_others(self) -> bool:
        for other in self._after:
            self._set("waiting", f"for {other.entry.title}")
            while not other.up.wait(0.1):
                if self._stopping.is_set():
                    return False
        return not self._stopping.is_set()

    def _keep_running(self) -> None:
        deaths, backoff = 0, Backoff(first=0.5, jitter=0.0)
        while not self._stopping.is_set():
            offset = self._log.stat().st_size if self._log.exists() else 0
            process = self._spawn()
            if process is None:
                return
            came_up = self._until_up(process)
            up_at = time.time()
            if came_up and not self.entry.one_shot:
                self._watch(process)
            if self._stopping.is_set() or (self.entry.one_shot and came_up):
                return
            deaths += 1
            if came_up and time.time() - up_at > STEADY_SECONDS:
                deaths = 1
                backoff.succeeded()
            pause = backoff.failed()
            self._died(process, offset, deaths, pause)
            self._stopping.wait(pause)

    def _watch(self, process: ProcessHandle) -> None:
        """Return when the process has ended; until then its status says whether it answers its health check."""
        missed = 0
        while not self._stopping.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_SECONDS)
                return
            missed = 0 if self.entry.part.ready() else missed + 1
            phase: Phase = "unhealthy" if missed > 1 else "ready"
            # A process that has just died is told by its exit code.
            if missed == 1 or phase == self.status.phase or process.poll() is not None or self._stopping.is_set():
                continue
            self._set(phase, "does not answer its health check" if missed else "")
        process.wait()

    def _spawn(self) -> ProcessHandle | None:
        launch = self.entry.part.launch()
        with self._spawning:
            if self._stopping.is_set():
                return None
            self._process = self._start(launch, log=self._log, instance=self._instance)
            self._launched = launch
        identity = ProcessIdentity.of(self._process.pid)
        self.status.pid = self._process.pid
        self.status.started = identity.started if identity else None
        self._set("starting")
        return self._process

    def _until_up(self, process: ProcessHandle) -> bool:
        """Wait until ready (or, for a one-shot, ended well). False when it died or was told to stop."""
        began = time.monotonic()
        while not self._stopping.is_set():
            waited = time.monotonic() - began
            if self.entry.one_shot:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    if process.wait(POLL_SECONDS):
                        return False
                    if self.entry.when_done:
                        self.entry.when_done()
                    self._set("done")
                    self.up.set()
                    return True
            elif process.poll() is not None:
                return False
            elif lacking := next((other for other in self._needs if not other.up.is_set()), None):
                lacking.up.wait(0.1)
                began = time.monotonic()
            elif self.entry.part.ready():
                self._set("ready")
                self.up.set()
                return True
            else:
                self._stopping.wait(max(POLL_SECONDS, waited * POLL_SHARE))
            if waited > self._patience:
                self._too_late(process)
                return False
        return False

    def _too_late(self, process: ProcessHandle) -> None:
        """End a process that runs but does not answer; at the first start that fails the whole start at once."""
        end(process, ask=self._launched.stop, within=STOP_SECONDS)
        if not self.up.is_set() and not self._stopping.is_set():
            shown = "".join(f"\n    {line}" for line in last_lines(self._log))
            raise NotReady(
                f"{self.entry.title} runs but did not answer its health check within {self._patience:g} s.",
                fix=f"Its last words (all of them: ./demo logs {self.entry.name}):{shown}",
            )

    def _died(self, process: ProcessHandle, offset: int, deaths: int, pause: float) -> None:
        end(process, within=0)
        code = process.returncode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self.status.last_lines = last_lines(self._log, since=offset)
        self.status.pid = self.status.started = None
        if not self.up.is_set() and (deaths >= ATTEMPTS_AT_START or self.entry.one_shot):
            shown = "".join(f"\n    {line}" for line in self.status.last_lines)
            raise NotReady(
                f"{self.entry.title} does not start: it {how}.",
                fix=f"Its last words (all of them: ./demo logs {self.entry.name}):{shown}",
            )
        self.status.restarts += 1
        self._set("restarting", f"{how}; again in {pause:g} s")

    def _fail(self, problem: Problem) -> None:
        self.problem = problem
        self._set("failed", problem.what)

    def _set(self, phase: Phase, detail: str = "") -> None:
        self.status.phase, self.status.detail, self.status.since = phase, detail, time.time()
        self._changed()


def _explain(title: str, error: OSError) -> NotReady:
    if error.errno == errno.ENOSPC:
        return NotReady(f"The disk is full: {title} could not be started.", fix="Make room (2 GB) and start again.")
    return NotReady(f"{title} could not be started: {error}.", fix="`./demo doctor` checks what it needs.")
