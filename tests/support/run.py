"""One run of the tests, in one process or in several workers: the stack they share, and who is drawn from its people.

The process that runs the tests keeps the stack; workers say that they want it, wait for it, and draw people
from one counter. They meet in a folder of the run's own.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fastmcp_vault.errors import NotReady
from stack import instance, status, testing
from stack.layout import Layout
from stack.processes import wait_until
from stack.testing import Stack
from tests.support import people
from tests.support.leaks import leaks

OBSERVED = {"OTEL_METRICS_EXPORTER": "prometheus"}
"""The stack that the tests share serves its metrics, on ports of their own."""

PATIENCE = 300.0
"""Seconds for the stack to start; a bound for slow machines, not a wait."""


class Run:
    """What the processes of one run know of each other, as files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wanted = folder / "wanted"
        self.ready = folder / "ready"
        self.failed = folder / "failed"
        self.temporary = folder / "tmp"
        self.temporary.mkdir(mode=0o700, exist_ok=True)

    def stack(self) -> Stack:
        """The shared stack, once it is ready. Raises NotReady with the reason when it did not start."""
        self.wanted.touch()
        for _ in wait_until(time.monotonic() + PATIENCE):
            if self.failed.exists():
                raise NotReady(self.failed.read_text())
            if self.ready.exists():
                # On a busy machine a service may be late with its health, and the stack not ready for a moment.
                with suppress(NotReady):
                    return attached(Path(self.ready.read_text()))
        raise NotReady(f"The stack for the tests was not ready within {PATIENCE:g} s.")

    def left_behind(self) -> list[str]:
        """What no signed-in person explains; nothing where no test used the stack."""
        return leaks(attached(Path(self.ready.read_text()))) if self.ready.exists() else []

    def draw(self) -> int:
        """A number that no other test of this run has: 0, 1, 2, …"""
        with self._locked("drawn", fcntl.LOCK_EX) as file:
            number = int(os.pread(file, 20, 0) or b"0")
            os.pwrite(file, str(number + 1).encode(), 0)
        return number

    @contextmanager
    def using_the_stack(self, *, alone: bool) -> Iterator[None]:
        """While the block runs nobody has the stack to themselves; with ``alone``, nobody else uses it.

        Whoever wants it alone keeps the door shut while waiting, so that those who share it cannot go on for ever.
        """
        kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        with self._locked("door", fcntl.LOCK_EX) as door, self._locked("room", kind):
            if not alone:
                fcntl.flock(door, fcntl.LOCK_UN)
            yield

    @contextmanager
    def _locked(self, name: str, kind: int) -> Iterator[int]:
        file = os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, kind)
            yield file
        finally:
            os.close(file)


class Keeper:
    """Starts the stack of a run when it is wanted, and stops it when the run is over.

    ``DEMO_TEST_STATE_DIR`` in the environment names the state directory of a stack that already runs: that one is
    used, and left running.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="stack-keeper", daemon=True)

    def begin(self) -> None:
        """From now on the stack is there for whoever wants it."""
        self._thread.start()

    def end(self) -> None:
        """Nothing of the stack is left when this returns."""
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._run.wanted.exists():
            if self._over.wait(0.05):
                return
        running_already = os.environ.get("DEMO_TEST_STATE_DIR")
        try:
            if running_already:
                _write(self._run.ready, str(attached(Path(running_already)).layout.state))
                return
            users = people.write_users(self._run.folder / "users.yaml")
            with testing.running(users_file=users, settings=OBSERVED) as started:
                _write(self._run.ready, str(started.layout.state))
                self._over.wait()
        except Exception as failure:  # whatever it is, the workers wait for it
            _write(self._run.failed, str(failure))


def attached(state: Path) -> Stack:
    """The stack that runs there. Raises NotReady."""
    layout = Layout(state.resolve(), Layout.from_environment().runtime)
    now = status.read(layout)
    if now is None or now.phase != "ready":
        raise NotReady(f"No stack is ready in {state}.")
    return Stack(instance.make(layout, now.ports, Path(now.users_file)))


def _write(path: Path, text: str) -> None:
    """Whole or not at all: others look while this writes."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.rename(path)
