"""MCP's conformance suite against each server: what it misses is what docs/conformance.yaml lists, no more, no less."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs import conformance
from stack.testing import Stack
from tests.mcp_servers.callers import Caller
from tests.support.peers import Peers

REVISIONS = ("2026-07-28", "2025-11-25")
LISTED = set(yaml.safe_load(conformance.KNOWN.read_text())["server"])


@pytest.mark.parametrize("server", ["jira", "github", "postgres"])
def test_a_server_misses_what_is_listed_and_nothing_else(
    server: str, stack: Stack, shared: Caller, peers: Peers, tmp_path: Path
) -> None:
    token = asyncio.run(shared.token(server))

    def judge(revision: str) -> int:
        results = ["--requirements", revision, "--output-dir", str(tmp_path / revision)]
        return conformance.run(
            f"{stack.url(f'mcp-{server}')}/mcp", token, results, suite=peers.conformance, output=subprocess.DEVNULL
        )

    with ThreadPoolExecutor() as pool:
        verdicts = list(pool.map(judge, REVISIONS))
    missed: set[str] = set()
    for revision in REVISIONS:
        ran = dict(scenarios(tmp_path / revision))
        assert ran.keys() == required(peers, revision)
        missed |= {
            f"{name}:{check['id']}"
            for name, checks in ran.items()
            for check in checks
            if check["status"] in ("FAILURE", "WARNING")
        }
    assert missed - LISTED == set(), "fails, and is not on the list"
    assert LISTED - missed == set(), "is on the list, and passes"
    assert verdicts == [0, 0], "the suite itself, given the list, is not content"


def scenarios(results: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each scenario's checks, from the folders ``server-<scenario>-2026-11-21T19-23-11-099Z``."""
    for folder in results.iterdir():
        name = folder.name.removeprefix("server-").rsplit("-", 6)[0]
        yield name, json.loads((folder / "checks.json").read_text())


def required(peers: Peers, revision: str) -> set[str]:
    """The scenarios that the suite has for a revision of the protocol, those that it does not score included."""
    found = yaml.safe_load((peers.package("conformance") / "requirements" / f"{revision}.yaml").read_text())
    return {*found["server"], *(entry["scenario"] for entry in found["not_scored"] if entry["leg"] == "server")}
