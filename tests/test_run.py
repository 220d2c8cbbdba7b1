"""A run of the tests in several workers keeps its promises: one stack, nobody drawn twice, no skip that nobody sees."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.layout import ROOT
from stack.processes import wait_until
from tests.support.run import Run


def run_tests(folder: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Two workers run ``source`` twice, as two files beside this project's own conftest."""
    for name in ("test_one.py", "test_two.py"):
        (folder / name).write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = disturbs: as in the project\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-n", "2", "--dist", "loadfile", str(folder)],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_nobody_is_drawn_twice(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as several:
        drawn = list(several.map(lambda _: Run(tmp_path).draw(), range(200)))
    assert sorted(drawn) == list(range(200))


def test_the_stack_is_shared_until_someone_wants_it_alone_and_that_one_is_next(tmp_path: Path) -> None:
    order: list[str] = []
    alone_is_waiting, share_is_waiting = threading.Event(), threading.Event()

    def alone() -> None:
        alone_is_waiting.set()
        with Run(tmp_path).using_the_stack(alone=True):
            order.append("alone")

    def share() -> None:
        share_is_waiting.set()
        with Run(tmp_path).using_the_stack(alone=False):
            order.append("shared again")

    with ThreadPoolExecutor(2) as others:
        with (
            Run(tmp_path).using_the_stack(alone=False),
            Run(tmp_path).using_the_stack(alone=False),
        ):
            order.append("shared by two")
            first = others.submit(alone)
            alone_is_waiting.wait()
            assert any(_is_locked(tmp_path / "door") for _ in wait_until(time.monotonic() + 20))
            second = others.submit(share)
            share_is_waiting.wait()
            assert order == ["shared by two"]
        first.result(20)
        second.result(20)
    assert order == ["shared by two", "alone", "shared again"]


def _is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.parametrize(("strict", "code"), [("", 0), ("1", 1)])
def test_a_skip_in_a_worker_fails_a_strict_run(tmp_path: Path, strict: str, code: int) -> None:
    source = "import pytest\n\ndef test_it():\n    pytest.skip('needs what this machine lacks')\n"
    done = run_tests(tmp_path, source, DEMO_TEST_STRICT=strict)
    assert "2 skipped" in done.stdout, done.stdout
    assert done.returncode == code


def test_a_stack_that_cannot_be_had_is_said_once_and_ends_the_run(tmp_path: Path) -> None:
    source = "import pytest\n\n@pytest.mark.parametrize('n', range(50))\ndef test_it(stack, n):\n    pass\n"
    done = run_tests(tmp_path, source, DEMO_TEST_STATE_DIR=str(tmp_path / "nowhere"))
    assert done.returncode != 0
    assert done.stdout.count(f"No stack is ready in {tmp_path / 'nowhere'}.") == 1, done.stdout
    assert "50 " not in done.stdout.splitlines()[-1]
