"""Stacks for tests: real servers on free ports with a state of their own, gone for certain afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastmcp_vault.errors import NotReady
from stack import control, instance, postgres, status
from stack.layout import ROOT, Layout
from stack.part import Instance, RoomAddress
from stack.processes import wait_until
from stack.python_service import environment
from stack.services import INFRASTRUCTURE, service
from stack.status import ServiceStatus, StackStatus

__all__ = ["INFRASTRUCTURE", "Stack", "running"]


@dataclass(frozen=True)
class Stack:
    """A running stack: where its services are, and what opens them."""

    instance: Instance

    @property
    def layout(self) -> Layout:
        """Its directories; ``layout.logs / "<service>.log"`` is a service's log."""
        return self.instance.layout

    @property
    def ports(self) -> dict[str, int]:
        """Every port by its name in ``stack.services.PORTS``."""
        return dict(self.instance.ports)

    @property
    def secrets(self) -> dict[str, str]:
        """Every secret by its name in ``stack.secret_store``, ``VAULT_TOKEN`` included."""
        return self.instance.secrets()

    def url(self, port: str) -> str:
        """The public address of an HTTP service, by its port's name (``keycloak``, ``mcp-jira``, ``app``, …)."""
        return f"http://localhost:{self.instance.ports[port]}"

    def environment(self, name: str) -> dict[str, str]:
        """What the stack hands to that service: for settings in a test, or to run the process by hand."""
        return environment(self.instance, service(name))

    def status(self, name: str) -> ServiceStatus:
        """What the supervisor says about one service now."""
        return {entry.name: entry for entry in self._read().services}[name]

    def kill(self, name: str) -> int:
        """``kill -9`` a service's process; its pid. The supervisor will start it again."""
        pid = self.status(name).pid
        if pid is None:
            raise NotReady(f"{name} has no process to kill.")
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_ready(self, name: str, *, other_than: int | None = None, within: float = 60.0) -> ServiceStatus:
        """Wait (seconds) until a service is ready, in another process than ``other_than``. Raises NotReady."""
        for _ in wait_until(time.monotonic() + within):
            now = self.status(name)
            if now.phase in status.UP and now.pid != other_than:
                return now
        raise NotReady(f"{name} was not ready within {within:g} s: {self.status(name)}")

    def _read(self) -> StackStatus:
        now = status.read(self.layout)
        if now is None:
            raise NotReady("The stack's status cannot be read.")
        return now


@contextmanager
def running(
    *,
    only: Sequence[str] | None = None,
    users_file: Path | None = None,
    keep: Path | None = None,
    settings: Mapping[str, str] | None = None,
    room: Sequence[str] = (),
) -> Iterator[Stack]:
    """A stack (all of it, or ``only`` these services) for as long as the block runs; raises NotReady with the reason.

    It shares the checkout's runtime (Keycloak built once) and has its own ports, data, secrets and
    users. Should the caller die in any way, the supervisor notices and stops by itself. ``keep`` names
    a state directory that outlives the block, for tests of what a second start finds. ``settings`` are those of the
    caller's environment that services take; ``room``: the words of `up` that ask for one.
    """
    state = (keep or Path(tempfile.mkdtemp(prefix="demo-"))).resolve()
    layout = Layout(state, Layout.from_environment().runtime)
    try:
        _up(layout, only, users_file, settings or {}, room)
        now = status.read(layout)
        if now is None:
            raise NotReady("The stack started but left no status.")
        served = RoomAddress(**now.room) if now.room else None
        yield Stack(instance.make(layout, now.ports, Path(now.users_file), served))
    finally:
        control.stop(layout, lambda _status: None)
        if keep is None:
            remove(layout)


def remove(layout: Layout) -> None:
    """Delete a stopped stack's state, wherever it lies."""
    postgres.remove_data(layout.data / "postgres")
    shutil.rmtree(layout.state, ignore_errors=True)


def _up(
    layout: Layout,
    only: Sequence[str] | None,
    users_file: Path | None,
    settings: Mapping[str, str],
    room: Sequence[str],
) -> None:
    chosen = [*room, *(["--only", ",".join(only)] if only is not None else [])]
    users = {"USERS_FILE": str(users_file)} if users_file else {}
    done = subprocess.run(
        [sys.executable, "-m", "stack", "up", "-d", "--free-ports", "--while-pid", str(os.getpid()), *chosen],
        check=False,
        cwd=ROOT,
        env={
            **os.environ,
            **settings,
            **users,
            "DEMO_STATE_DIR": str(layout.state),
            "DEMO_RUNTIME_DIR": str(layout.runtime),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NotReady(f"The stack for the tests did not start: {done.stderr[-4000:]}")
