"""A whole demo that serves a room at another address than loopback's usual one, with people of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import yaml
from playwright.sync_api import Browser

from common.users_file import entries
from stack.layout import ROOT
from stack.testing import Stack, running
from tests.support.browser import Visitor, arrivals, chromium, started

ADDRESS = "127.0.0.2"


@dataclass(frozen=True)
class ServedRoom:
    """The stack, and what the facilitator has in hand."""

    stack: Stack

    @property
    def origin(self) -> str:
        """What people open."""
        return self.stack.instance.origin

    def command(self, *words: str) -> str:
        """`./demo …`; what it printed."""
        own = {"DEMO_STATE_DIR": str(self.stack.layout.state), "DEMO_RUNTIME_DIR": str(self.stack.layout.runtime)}
        command = [sys.executable, "-m", "stack", *words]
        done = subprocess.run(command, check=False, cwd=ROOT, env=os.environ | own, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def password(self, name: str) -> str:
        """Somebody's password, from the room's own files."""
        room = self.stack.layout.data / "room.yaml"
        more = yaml.safe_load(room.read_text())["users"] if room.exists() else []
        everybody = (*entries(self.stack.instance.users_file), *more)
        return next(str(entry["password"]) for entry in everybody if entry["username"] == name)


@pytest.fixture(scope="module")
def served() -> Iterator[ServedRoom]:
    """Started once for these tests; nothing of it is left."""
    with running(room=("--room", ADDRESS)) as stack:
        yield ServedRoom(stack)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, as in tests/browser."""
    if chromium() is None:
        pytest.skip("needs Chromium: install Debian's `chromium`")
    with started() as found:
        yield found


@pytest.fixture
def visitor(browser: Browser, served: ServedRoom) -> Iterator[Callable[[], Visitor]]:
    """Visitors of the room. The profile trusts any certificate; what certificates are worth is tested without it."""
    with arrivals(browser, served.origin, ignore_https_errors=True) as arrive:
        yield arrive
