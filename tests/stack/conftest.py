"""The stack's own tests run ``./demo``'s commands for real, each in a state directory of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stack import control, postgres, status
from stack.layout import ROOT, Layout
from stack.processes import wait_until

CHEAP = "postgres,openbao"
"""Two real servers that start in about a second."""


@dataclass(frozen=True)
class Demo:
    layout: Layout

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "stack", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        places = {"DEMO_STATE_DIR": str(self.layout.state), "DEMO_RUNTIME_DIR": str(self.layout.runtime)}
        return {**os.environ, **places}

    def __call__(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            check=False,
            cwd=ROOT,
            env=self.environment | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def up(self, only: str = CHEAP) -> status.StackStatus:
        done = self("up", "-d", "--free-ports", "--while-pid", str(os.getpid()), "--only", only)
        assert done.returncode == 0, done.stderr
        return self.status()

    def status(self) -> status.StackStatus:
        now = status.read(self.layout)
        assert now is not None
        return now

    def pid(self, name: str) -> int:
        (found,) = [service.pid for service in self.status().services if service.name == name]
        assert found is not None
        return found

    def kill_supervisor(self) -> None:
        supervisor = self.status().supervisor
        os.kill(supervisor.pid, signal.SIGKILL)
        assert any(supervisor.process() is None for _ in wait_until(time.monotonic() + 10))

    def alive(self) -> list[int]:
        """Every process of this instance, however it came to be: by its mark and by the last status."""
        return sorted(process.pid for process in control.processes_of(self.layout))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    layout = Layout(tmp_path.resolve() / "state", Layout.from_environment().runtime)
    yield Demo(layout)
    control.stop(layout, lambda _status: None)
    postgres.remove_data(layout.data / "postgres")
