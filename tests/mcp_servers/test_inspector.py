"""MCP Inspector in a terminal, by the command that docs/clients.md prints: from the bare address to a tool's answer."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stack.testing import Stack
from tests.support.agreeing import visit
from tests.support.browser import agree_in_chromium, chromium, closed_port
from tests.support.documents import blocks
from tests.support.peers import LOCKS, Peers
from tests.support.people import Person

PATIENCE = 120
"""Seconds for a call with its sign-in; a bound for slow machines, not a wait."""

Agree = Callable[[str], str]
"""Signs somebody in at an address, says yes, and tells what was asked."""


@pytest.mark.skipif(chromium() is None, reason="needs a Chromium")
def test_the_printed_command_leads_through_keycloaks_pages_to_a_tools_answer(
    stack: Stack, person: Person, peers: Peers, tmp_path: Path
) -> None:
    npx, package, *arguments = printed()
    assert (npx, package) == ("npx", f"@modelcontextprotocol/inspector@{locked('inspector')}")
    answer, asked = inspect(
        peers,
        [word.replace("http://localhost:3001", stack.url("mcp-jira")) for word in arguments],
        tmp_path,
        lambda url: agree_in_chromium(url, person, arriving="http://127.0.0.1:*/oauth/callback?*"),
    )
    assert answer["structuredContent"]["key"] == "PROJ-1"
    assert "Use the jira tools" in asked
    assert "Change things with the jira tools" in asked


@pytest.mark.parametrize(("server", "era"), [("github", "modern"), ("postgres", "legacy")])
def test_it_speaks_both_eras_of_the_protocol(
    server: str, era: str, stack: Stack, person: Person, peers: Peers, tmp_path: Path
) -> None:
    address = f"{stack.url(f'mcp-{server}')}/mcp"
    call = ["--cli", address, "--protocol-era", era, "--method", "tools/call", "--tool-name", "credential_status"]
    answer, asked = inspect(peers, call, tmp_path, lambda url: visit(url, person.username, person.password))
    assert answer["structuredContent"]["username"] == person.username
    assert f"Use the {server} tools" in asked


def printed() -> list[str]:
    """The words of the command in docs/clients.md."""
    (command,) = (block for block in blocks("docs/clients.md", "sh") if "inspector" in block)
    return shlex.split(command.replace("\\\n", ""))


def locked(package: str) -> str:
    """The version of one of MCP's own packages that the tests install."""
    return str(json.loads((LOCKS / "package.json").read_text())["dependencies"][f"@modelcontextprotocol/{package}"])


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
    assert process.returncode == 0, said + output
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
