"""Imports once what the Python services share, then forks itself for each of them: ``python -m stack.nursery``.

A dozen services import the same thousand modules; on two cores, while Keycloak starts, that is most of a start's time.
Each fork is a service like any other: a process in a session of its own, with its own environment, log and name. Forks
are asked for over a socket (one JSON document a packet); the supervisor is told each pid and, because this process is
the parent, each exit code. A service's environment holds its secrets: it comes through a pipe that only the fork reads,
so that no other service has it in memory. A service that is started again later gets a fresh interpreter (see
:mod:`stack.forked`). Linux only: macOS does not support a fork that goes on without exec.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import runpy
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from common.command import run as run_command

PACKET = 32 * 1024
"""Bytes of the longest request, and of the longest environment (what any pipe takes while nobody reads is 64 KiB)."""


def main(arguments: list[str]) -> None:
    """Import, then fork on request until the supervisor hangs up or says stop. ``arguments``: the socket, modules."""
    control = socket.socket(fileno=int(arguments[0]))
    wakeup = _wake_up_on_signals()
    gc.disable()
    for module in arguments[1:]:
        importlib.import_module(entry(module))
    gc.enable()
    gc.collect()
    gc.freeze()  # The collector would write to every page, and so copy what the forks share.
    _tell(control, {"imported": True})
    asked = _serve(control, wakeup)
    if asked is not None:
        control.close()
        wakeup.close()
        _become(asked)


def entry(module: str) -> str:
    """The module that ``python -m`` runs for this name: a package's ``__main__``, or the module itself."""
    found = importlib.util.find_spec(module)
    package = found is not None and found.submodule_search_locations is not None
    return f"{module}.__main__" if package else module


def _wake_up_on_signals() -> socket.socket:
    """A socket that becomes readable when a child ends or this process is to stop."""
    wakeup, rung = socket.socketpair()
    wakeup.setblocking(False)
    rung.setblocking(False)
    signal.set_wakeup_fd(rung.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return wakeup


def _serve(control: socket.socket, wakeup: socket.socket) -> dict[str, Any] | None:
    """In this process: serve until the end, then None. In a fork: what it was asked to be."""
    while True:
        readable, _, _ = select.select([control, wakeup], [], [])
        if wakeup in readable:
            numbers = wakeup.recv(4096)
            _tell_ended(control)
            if signal.SIGTERM in numbers or signal.SIGINT in numbers:
                return None
        if control in readable:
            packet, descriptors, _, _ = socket.recv_fds(control, PACKET, 1)
            if not packet:
                return None
            asked: dict[str, Any] = json.loads(packet)
            pid = os.fork()
            if pid == 0:
                with os.fdopen(descriptors[0], "rb") as given:
                    return asked | {"env": json.load(given)}
            os.close(descriptors[0])
            _tell(control, {"id": asked["id"], "pid": pid})


def _tell_ended(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(control, {"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(control: socket.socket, said: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionError):
        control.send(json.dumps(said).encode())


def _become(asked: dict[str, Any]) -> None:
    """Be ``python -m <module> <arguments>`` from here on: session, signals, log, environment and name of its own."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    with Path(asked["log"]).open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    module, *rest = asked["module"]
    _call_oneself([sys.executable, "-m", module, *rest])
    sys.modules.pop(entry(module), None)
    sys.argv[:] = [entry(module), *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _call_oneself(argv: list[str]) -> None:
    """What ``ps`` shows: written over this process's own arguments (proc(5), ``arg_start`` and ``arg_end``)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    shown = b"\0".join(word.encode() for word in argv)[: end - start - 1]
    if start:
        ctypes.memmove(start, shown.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
