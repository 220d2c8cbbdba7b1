"""A service that runs but never answers, or that the disk has no room for, fails the start with a sentence."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from stack.part import Say
from stack.processes import Launch
from stack.runner import Entry, Runner, backoff


class Silent:
    """A real process that lives and listens to nobody."""

    def prepare(self, say: Say) -> None: ...

    def launch(self) -> Launch:
        return Launch(
            argv=(sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"), cwd=Path("/")
        )

    def ready(self) -> bool:
        return False


class NoRoom(Silent):
    def prepare(self, say: Say) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def run(part: Silent, tmp_path: Path) -> Runner:
    runner = Runner(
        Entry("silent", "The silent one", part),
        log=tmp_path / "silent.log",
        instance=tmp_path,
        changed=lambda: None,
        patience=0.5,
    )
    runner.start([])
    runner._thread.join(30)
    return runner


def test_a_service_that_never_answers_fails_the_start_once_and_is_ended(tmp_path: Path) -> None:
    runner = run(Silent(), tmp_path)
    assert runner.problem is not None
    assert "did not answer its health check within 0.5 s" in runner.problem.what
    assert "here" in runner.problem.fix
    assert runner.status.restarts == 0
    assert runner._process is not None
    assert runner._process.poll() is not None


def test_nobody_is_given_up_while_what_it_needs_is_still_coming_up(tmp_path: Path) -> None:
    def runner(name: str, part: Silent) -> Runner:
        log = tmp_path / f"{name}.log"
        return Runner(Entry(name, name, part), log=log, instance=tmp_path, changed=lambda: None, patience=0.5)

    needed, needing = runner("needed", NoRoom()), runner("needing", Silent())
    needing.start([], [needed])
    needing._thread.join(2)
    assert needing.problem is None
    needed.up.set()
    needing._thread.join(30)
    assert needing.problem is not None


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    problem = run(NoRoom(), tmp_path).problem
    assert problem is not None
    assert problem.what.startswith("The disk is full")


def test_waits_before_restarts_grow_and_stay_bounded() -> None:
    assert [backoff(n) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert backoff(50) == 30.0
