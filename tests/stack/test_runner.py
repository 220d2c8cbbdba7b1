"""A service that runs but never answers, or that the disk has no room for, fails the start with a sentence."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from fastmcp_vault.backoff import LONGEST
from stack.part import Say
from stack.processes import Launch, wait_until
from stack.runner import POLL_SECONDS, Runner, RunnerEntry


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
        RunnerEntry("silent", "The silent one", part),
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
        return Runner(RunnerEntry(name, name, part), log=log, instance=tmp_path, changed=lambda: None, patience=0.5)

    needed, needing = runner("needed", NoRoom()), runner("needing", Silent())
    needing.start([], [needed])
    needing._thread.join(2)
    assert needing.problem is None
    needed.up.set()
    needing._thread.join(30)
    assert needing.problem is not None


class Asked(Silent):
    """Not ready, and notes when it is asked."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def ready(self) -> bool:
        self.times.append(time.monotonic())
        return False


def test_a_start_is_not_slowed_by_being_asked_whether_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is asked who lacks something, and who is not ready for long is asked more and more seldom."""
    monkeypatch.setattr("stack.runner.POLL_SHARE", 1 / 2)
    part, needed = Asked(), run(NoRoom(), tmp_path)
    entry, log = RunnerEntry("asked", "Asked", part), tmp_path / "asked.log"
    runner = Runner(entry, log=log, instance=tmp_path, changed=lambda: None, patience=2.0)
    runner.start([], [needed])
    assert until(lambda: runner.status.phase == "starting")
    runner._thread.join(0.5)
    assert part.times == []
    needed.up.set()
    runner._thread.join(30)
    pauses = [after - before for before, after in pairwise(part.times)]
    assert pauses[-1] > 10 * POLL_SECONDS
    assert len(pauses) < 20


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    problem = run(NoRoom(), tmp_path).problem
    assert problem is not None
    assert problem.what.startswith("The disk is full")


class Dying(Silent):
    """Ready at once, and gone soon after, again and again."""

    def launch(self) -> Launch:
        return Launch(argv=(sys.executable, "-c", "raise SystemExit(7)"), cwd=Path("/"))

    def ready(self) -> bool:
        return True


class Moody(Silent):
    """Lives, and answers while it is ``well``."""

    well = True

    def ready(self) -> bool:
        return self.well


def started(part: Silent, tmp_path: Path) -> tuple[Runner, list[tuple[str, str]]]:
    """The runner, and every phase with its detail as they come."""
    told: list[tuple[str, str]] = []
    runner: Runner

    def changed() -> None:
        told.append((runner.status.phase, runner.status.detail))

    runner = Runner(RunnerEntry("it", "It", part), log=tmp_path / "it.log", instance=tmp_path, changed=changed)
    runner.start([])
    return runner, told


def until(condition: Callable[[], bool], within: float = 30.0) -> bool:
    """Whether ``condition`` came to hold within so many seconds."""
    return any(condition() for _ in wait_until(time.monotonic() + within))


def test_pauses_before_restarts_grow_and_stay_within_seconds(tmp_path: Path) -> None:
    runner, told = started(Dying(), tmp_path)
    runner._stopping.wait = lambda timeout=None: runner._stopping.is_set()  # type: ignore[method-assign]
    try:
        assert until(lambda: len([d for p, d in told if p == "restarting"]) > 6)
    finally:
        runner.stop()
    pauses = [float(detail.split("again in ")[1].split()[0]) for phase, detail in told if phase == "restarting"]
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == LONGEST


def test_a_service_that_stops_answering_is_said_to_and_ready_again_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.runner.LOOK_SECONDS", 0.05)
    part = Moody()
    runner, told = started(part, tmp_path)
    try:
        assert until(lambda: runner.status.phase == "ready")
        part.well = False
        assert until(lambda: runner.status.phase == "unhealthy")
        part.well = True
        assert until(lambda: runner.status.phase == "ready")
    finally:
        runner.stop()
    assert ("unhealthy", "does not answer its health check") in told
    assert runner.status.restarts == 0
