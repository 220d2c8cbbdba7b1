"""Processes: started in a group of their own, recognised again by pid and start time, ended within a bound."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil

from stack.layout import TEMPORARY

MARKER = "DEMO_INSTANCE"
"""Environment variable that every process of an instance carries, so that ``down`` finds it without any record."""

_KILL_SECONDS = 5.0
"""A killed process is gone at once, unless the disk holds it up."""

_PASSED_ON = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "COVERAGE_PROCESS_START",
)  # fmt: skip


@dataclass(frozen=True)
class Launch:
    """How to start one process. ``env`` is added to a small base; nothing else of the caller's environment goes in."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: tuple[int, int] | None = None
    """(uid, gid) to run as, when the caller is root and the server refuses to be."""
    stop: signal.Signals = signal.SIGTERM
    """What asks this server to stop in good order."""
    writes: Path | None = None
    """A file that it appends to for ever, and opens anew on SIGHUP."""
    module: tuple[str, ...] = ()
    """``argv`` as a Python module of this project and its arguments: such a process may be forked (stack.forked)."""


class ProcessHandle(Protocol):
    """A child process, as ``subprocess.Popen`` has it: what the supervisor uses of one."""

    pid: int

    @property
    def returncode(self) -> int | Any:
        """Its exit code once it has ended; negative: the signal that ended it."""

    def poll(self) -> int | None:
        """The exit code, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, waited for. Raises subprocess.TimeoutExpired."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal."""


@dataclass(frozen=True)
class ProcessIdentity:
    """One process for certain: a pid may be used again, a pid with its start time is not."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The identity of a living process, None when there is none."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    def process(self) -> psutil.Process | None:
        """The process, if it is still this one and not a zombie."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 0.05
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def base_environment(temporary: Path) -> dict[str, str]:
    """What a child may see of this process's environment: where programs and certificates are.

    Its temporary files go to ``temporary``: the machine's own folder for them is shared with other users.
    """
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"TMPDIR": str(temporary)}


def marked_environment(env: Mapping[str, str], instance: Path) -> dict[str, str]:
    """``env`` on that base, with the mark of ``instance`` (a state directory) and its folder for temporary files."""
    temporary = instance / TEMPORARY
    temporary.mkdir(exist_ok=True, mode=0o700)
    return base_environment(temporary) | dict(env) | {MARKER: str(instance)}


def spawn(launch: Launch, *, log: Path, instance: Path) -> subprocess.Popen[bytes]:
    """Start a process in its own session, output appended to ``log``, marked as belonging to ``instance``.

    ``instance`` is a state directory; the process's temporary files go there, too.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            launch.argv,
            cwd=launch.cwd,
            env=marked_environment(launch.env, instance),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=launch.user[0] if launch.user else None,
            group=launch.user[1] if launch.user else None,
            extra_groups=() if launch.user else None,
        )


def end(process: ProcessHandle, *, ask: signal.Signals = signal.SIGTERM, within: float) -> bool:
    """Ask a process we started to stop; after ``within`` seconds kill its whole group. True if it went by itself."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(ask)
    try:
        process.wait(within)
        gone = True
    except subprocess.TimeoutExpired:
        gone = False
    _kill_group(process.pid)
    process.wait()
    return gone


def _kill_group(leader: int) -> None:
    """End what a session leader of ours left behind in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def marked(instance: Path) -> Iterator[psutil.Process]:
    """Every living process that carries this instance's mark, except the caller."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARKER) == str(instance):
                yield process
        except (psutil.Error, OSError):
            continue


def end_all(found: Iterable[psutil.Process], *, within: float) -> int:
    """Ask each process that no other one of them started to stop; after ``within`` seconds kill what is left.

    Asked by SIGINT, which every server here takes as an orderly stop (PostgreSQL: without waiting for
    clients); workers are left to their parents. Returns how many there were.
    """
    processes = {process.pid: process for process in found}
    for process in processes.values():
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in processes:
                process.send_signal(signal.SIGINT)
    for process in _left_after(within, processes.values()):
        with contextlib.suppress(psutil.Error):
            process.kill()
    _left_after(_KILL_SECONDS, processes.values())
    return len(processes)


def _left_after(seconds: float, processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those still alive when all are gone or the time is over; a zombie that nobody collects yet is gone."""
    left = list(processes)
    for _ in wait_until(time.monotonic() + seconds):
        left = [process for process in left if _alive(process)]
        if not left:
            break
    return left


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def last_lines(log: Path, count: int = 12, *, since: int = 0) -> list[str]:
    """The last lines written to a log after byte ``since``."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begun_anew = since > size
            file.seek(max(0 if begun_anew else since, size - 64 * 1024))
            return file.read().decode(errors="replace").removesuffix("\n").split("\n")[-count:]
    except FileNotFoundError:
        return []


def wait_until(done: float, step: float = 0.02) -> Iterator[float]:
    """Yield the time left (seconds) again and again, ``step`` apart, until ``done`` on the monotonic clock."""
    while (left := done - time.monotonic()) > 0:
        yield left
        time.sleep(min(step, left))
