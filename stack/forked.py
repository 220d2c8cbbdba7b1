"""The supervisor's side of the nursery: services forked from one interpreter, each handled like any child process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from stack.nursery import PACKET
from stack.processes import Launch, ProcessIdentity, marked_environment

UNKNOWN = 255
"""The exit code of a process whose parent, the nursery, was gone before it ended."""

_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.2


class Forked:
    """A process that the nursery forked, with as much of ``subprocess.Popen`` as the supervisor uses."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._identity = ProcessIdentity.of(pid)
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same, waited for. Raises subprocess.TimeoutExpired after ``timeout`` seconds."""
        if not self._ended.wait(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended. Raises ProcessLookupError."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def ended(self, code: int) -> None:
        """Its parent says that it is over."""
        self.returncode = code
        self._ended.set()

    def outlive(self) -> None:
        """Nobody will say when it ends: look, until it is gone."""
        while self.returncode is None and self._identity and self._identity.process():
            time.sleep(_LOOK_SECONDS)
        if self.returncode is None:
            self.ended(UNKNOWN)


class Nursery:
    """Starts the nursery with ``modules`` to import; thread-safe. Without one, :meth:`spawn` answers None."""

    def __init__(self, modules: Iterable[str], *, env: Mapping[str, str], log: Path, instance: Path, cwd: Path) -> None:
        self._born = threading.Condition()
        self._answers: dict[int, Forked] = {}
        self._children: dict[int, Forked] = {}
        self._imported = False
        self._gone = False
        self._next = 0
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stack.nursery", str(theirs.fileno()), *modules],
                cwd=cwd,
                env=marked_environment(env, instance),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        self._listening = threading.Thread(target=self._listen, name="nursery", daemon=True)
        self._listening.start()

    @staticmethod
    def can() -> bool:
        """Whether this system forks a running interpreter safely."""
        return sys.platform == "linux"

    def spawn(self, launch: Launch, *, log: Path, instance: Path) -> Forked | None:
        """A fork that runs ``launch``; blocking until there is one. None when there is no nursery to fork it."""
        env = marked_environment(launch.env, instance)
        with self._born:
            self._next += 1
            number = self._next
            asked = {"id": number, "module": launch.module, "cwd": str(launch.cwd), "log": str(log)}
            if self._gone or not self._ask(asked, json.dumps(env).encode()):
                return None
            self._born.wait_for(lambda: number in self._answers or self._gone)
            return self._answers.pop(number, None)

    def stop_importing(self) -> None:
        """End it if it has not forked anything yet: who waits for a fork is answered at once."""
        with self._born:
            if not self._imported:
                self._process.kill()

    def close(self) -> None:
        """End it. What it forked goes on, if anything is left."""
        self.stop_importing()
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listening.join()
        self._control.close()

    def _ask(self, asked: Mapping[str, object], env: bytes) -> bool:
        """Send a request, and the environment through a pipe of its own; whether that was possible."""
        if len(env) > PACKET:
            return False
        theirs, ours = os.pipe()
        try:
            with os.fdopen(ours, "wb") as given:
                given.write(env)
            socket.send_fds(self._control, [json.dumps(asked).encode()], [theirs])
        except OSError:
            return False
        finally:
            os.close(theirs)
        return True

    def _listen(self) -> None:
        while packet := self._packet():
            said = json.loads(packet)
            with self._born:
                self._imported = True
                if "code" in said:
                    self._children.pop(said["pid"]).ended(said["code"])
                elif "id" in said:
                    self._children[said["pid"]] = self._answers[said["id"]] = Forked(said["pid"])
                    self._born.notify_all()
        with self._born:
            self._gone = True
            self._born.notify_all()
            orphans = list(self._children.values())
        for orphan in orphans:
            threading.Thread(target=orphan.outlive, name=f"process {orphan.pid}", daemon=True).start()

    def _packet(self) -> bytes:
        try:
            return self._control.recv(PACKET)
        except OSError:
            return b""
