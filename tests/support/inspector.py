"""MCP Inspector in a terminal: one call with its sign-in."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.browser import closed_port
from tests.support.peers import Peers

PATIENCE = 120
"""Seconds for a call with its sign-in; a bound for slow machines, not a wait."""

Agree = Callable[[str], str]
"""Signs somebody in at an address, says yes, and tells what was asked."""


def inspect(peers: Peers, arguments: list[str], home: Path, agree: Agree) -> tuple[dict[str, Any], str]:
    """What Inspector prints, and what the consent page said. Its standard error is a terminal, as with a person."""
    environment = {
        **os.environ,
        "HOME": str(home),
        "NO_COLOR": "1",
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_SECRET_STORE": "memory",
        "MCP_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{closed_port()}/oauth/callback",
    }
    asked = said = ""
    with started([*peers.inspector, *arguments], environment) as (process, lines):
        for line in lines:
            said += line
            if found := re.search(r"Please navigate to: (\S+)", line):
                asked = agree(found[1])
        output, _ = process.communicate()
    assert process.returncode == 0 or output.startswith("{"), said + output
    assert asked, said
    return json.loads(output), asked


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    """A program whose standard error is a terminal, with the lines that come there; gone when the block ends."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    bound = threading.Timer(PATIENCE, process.kill)
    bound.start()
    try:
        yield process, _lines(ours)
    finally:
        bound.cancel()
        process.kill()
        process.wait()
        os.close(ours)


def _lines(terminal: int) -> Iterator[str]:
    """Until the program has closed its side, which Linux reports as an error and macOS as an end."""
    with open(terminal, errors="replace", closefd=False) as file:
        try:
            yield from file
        except OSError:
            return
