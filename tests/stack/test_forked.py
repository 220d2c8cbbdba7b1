"""Services forked from one interpreter are processes like any other: session, environment, log, name, exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.forked import UNKNOWN, Forked, Nursery
from stack.instance import modules
from stack.layout import ROOT
from stack.processes import MARKER, Launch, end_all, marked
from stack.services import SERVICES
from stack.testing import Stack

pytestmark = pytest.mark.skipif(not Nursery.can(), reason="forks running interpreters on Linux only")

TELLS = """
import json, os, signal, sys

if __name__ == "__main__":
    told = {"argv": sys.argv, "sid": os.getsid(0), "cwd": os.getcwd(), "env": dict(os.environ), "name": __spec__.name}
    print(json.dumps(told), flush=True)
    signal.pause() if sys.argv[1:] == ["stay"] else sys.exit(3)
"""


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    """One that has imported a module which tells what it finds."""
    (tmp_path / "tells.py").write_text(TELLS)
    path = os.pathsep.join((str(ROOT), str(tmp_path)))
    started = Nursery(
        ["tells"], env={"PYTHONPATH": path}, log=tmp_path / "nursery.log", instance=tmp_path, cwd=tmp_path
    )
    yield started
    started.close()
    end_all(marked(tmp_path), within=0)


def fork(nursery: Nursery, tmp_path: Path, *arguments: str, **env: str) -> Forked:
    launch = Launch(argv=(), cwd=tmp_path, env=env, module=("tells", *arguments))
    forked = nursery.spawn(launch, log=tmp_path / "tells.log", instance=tmp_path)
    assert forked is not None
    return forked


def told(tmp_path: Path, forked: Forked) -> dict[str, object]:
    """What the process wrote into its log, once it has."""
    while not (text := (tmp_path / "tells.log").read_text() if (tmp_path / "tells.log").exists() else ""):
        with pytest.raises(subprocess.TimeoutExpired):
            forked.wait(0.05)
    found: dict[str, object] = json.loads(text)
    return found


def memory(pid: int) -> bytes:
    """Every byte that a process of ours may write to, its heap and stack among them."""
    parts = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as whole:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if rights.startswith("rw"):
                start, end = (int(number, 16) for number in span.split("-"))
                whole.seek(start)
                parts.append(whole.read(end - start))
    return b"".join(parts)


def test_a_fork_has_a_session_environment_directory_log_and_name_of_its_own(
    nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_THE_SUPERVISOR_HAS", "this")
    one = fork(nursery, tmp_path, "stay", WHAT="this one's")
    said = told(tmp_path, one)
    assert said["sid"] == one.pid
    assert said["cwd"] == str(tmp_path)
    assert said["name"] == "tells"
    env = said["env"]
    assert isinstance(env, dict)
    assert env["WHAT"] == "this one's"
    assert env[MARKER] == str(tmp_path)
    assert "ONLY_THE_SUPERVISOR_HAS" not in env
    process = psutil.Process(one.pid)
    assert [word for word in process.cmdline() if word] == [sys.executable, "-m", "tells", "stay"]
    assert process.environ()[MARKER] == str(tmp_path), "so that `down` finds it without any record"
    assert "WHAT" not in process.environ(), "what it was given is not in /proc"
    other = fork(nursery, tmp_path, "stay")
    assert b"this one's" in memory(one.pid)
    assert b"this one's" not in memory(other.pid), "one service's secrets are not another's"
    one.send_signal(signal.SIGTERM)
    assert one.wait(20) == -signal.SIGTERM


def test_exit_codes_are_told(nursery: Nursery, tmp_path: Path) -> None:
    assert fork(nursery, tmp_path).wait(20) == 3
    killed = fork(nursery, tmp_path, "stay")
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(20) == -signal.SIGKILL
    assert killed.poll() == -signal.SIGKILL


def test_a_fork_outlives_the_nursery_and_its_end_is_noticed(nursery: Nursery, tmp_path: Path) -> None:
    one = fork(nursery, tmp_path, "stay")
    told(tmp_path, one)
    parent = psutil.Process(one.pid).parent()
    assert parent is not None
    parent.kill()
    launch = Launch(argv=(), cwd=tmp_path, module=("tells",))
    assert nursery.spawn(launch, log=tmp_path / "tells.log", instance=tmp_path) is None
    assert one.poll() is None
    one.send_signal(signal.SIGKILL)
    assert one.wait(20) == UNKNOWN


def test_without_a_nursery_that_imports_nothing_is_forked(tmp_path: Path) -> None:
    broken = Nursery(["no_such_module"], env={}, log=tmp_path / "nursery.log", instance=tmp_path, cwd=ROOT)
    launch = Launch(argv=(), cwd=tmp_path, module=("no_such_module",))
    assert broken.spawn(launch, log=tmp_path / "x.log", instance=tmp_path) is None
    broken.close()
    assert "no_such_module" in (tmp_path / "nursery.log").read_text()


def test_nothing_that_is_imported_in_advance_starts_a_thread() -> None:
    """A fork has one thread: what another one of them held locked would stay locked for ever."""
    code = (
        "import importlib, os, sys\n"
        "from stack.nursery import entry\n"
        "for module in sys.argv[1:]: importlib.import_module(entry(module))\n"
        "print(len(os.listdir('/proc/self/task')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *modules()], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"


def test_every_python_service_of_the_stack_is_a_process_of_its_own(stack: Stack) -> None:
    services = [one for one in SERVICES if one.module and not one.one_shot and not one.optional]
    processes = {service.name: psutil.Process(stack.status(service.name).pid) for service in services}
    assert len({process.pid for process in processes.values()}) == len(services)
    for service in services:
        words = [word for word in processes[service.name].cmdline() if word]
        assert words[-len(service.module) :] == list(service.module)
        assert os.getsid(processes[service.name].pid) == processes[service.name].pid
