"""MCP Inspector in a terminal, by the command that docs/clients.md prints: from the bare address to a tool's answer."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from stack.testing import Stack
from tests.support.agreeing import visit
from tests.support.browser import agree_in_chromium, chromium
from tests.support.documents import blocks
from tests.support.inspector import inspect
from tests.support.peers import LOCKS, Peers
from tests.support.people import Person


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
