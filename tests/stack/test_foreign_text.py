"""``./demo logs`` and ``./demo status`` show foreign text on one line each, and nothing in it reaches the terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psutil
import pytest

from stack import control, status
from stack.status import ServiceStatus, StackStatus
from tests.stack.conftest import Demo

HOSTILE = "client \x1b]0;owned\x07\x1b[2J\x9b31m \u202etxt.exe \u2028INFO mcp-jira: bob's call was approved\rgone"
SHOWN = r"client \x1b]0;owned\x07\x1b[2J\x9b31m \u202etxt.exe \u2028INFO mcp-jira: bob's call was approved\rgone"


@pytest.fixture
def hostile(demo: Demo) -> Iterator[Demo]:
    """An instance whose log, and whose status, hold what a stranger wrote."""
    layout = demo.layout
    layout.make()
    (layout.logs / "keycloak.log").write_bytes(f"before\n{HOSTILE}\nafter\n".encode())
    lock = control.Lock.take(layout)
    assert lock is not None
    service = ServiceStatus("keycloak", "Keycloak", "restarting", since=time.time(), last_lines=[HOSTILE])
    own = psutil.Process()
    now = StackStatus("ready", os.getpid(), own.create_time(), time.time(), {"keycloak": 1}, services=[service])
    status.write(layout, now)
    yield demo
    layout.status.unlink()
    lock.release()


@pytest.mark.parametrize("command", [["logs"], ["logs", "keycloak"]])
def test_a_log_is_shown_without_obeying_it(hostile: Demo, command: list[str]) -> None:
    lines = hostile(*command).stdout.split("\n")
    assert [line.removeprefix("keycloak").strip() for line in lines if line] == ["before", SHOWN, "after"]


def test_the_status_of_what_died_is_shown_without_obeying_it(hostile: Demo) -> None:
    told = hostile("status").stdout
    assert SHOWN in told
    assert told.replace("\n", "").isprintable()
    as_json = hostile("status", "--json").stdout
    assert as_json.replace("\n", "").isprintable()
