"""Who did it, everywhere: one correlation id joins the logs of the MCP server, Vault, PostgreSQL and the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stack.testing import Stack
from tests.mcp_servers.callers import Caller, text
from tests.support.eventually import eventually


def lines(path: Path, correlation_id: str) -> list[str]:
    """A log's lines about one click."""
    return [line for line in path.read_text(errors="replace").splitlines() if correlation_id in line]


async def found(path: Path, correlation_id: str) -> list[str]:
    """The same, once there are any: some are written after the answer."""
    await eventually(lambda: bool(lines(path, correlation_id)))
    return lines(path, correlation_id)


async def audited(stack: Stack, correlation_id: str) -> list[dict[str, Any]]:
    """What Vault's audit log holds about one click: its responses."""
    entries = [json.loads(line) for line in await found(stack.layout.data / "openbao" / "audit.log", correlation_id)]
    return [entry for entry in entries if entry["type"] == "response"]


@pytest.mark.parametrize(
    ("server", "tool", "arguments"),
    [
        ("jira", "get_issue", {"issue_key": "PROJ-1"}),
        ("github", "list_repos", {}),
        ("postgres", "query", {"sql": "SELECT current_user AS me"}),
    ],
)
async def test_one_call_is_found_in_every_log(
    caller: Caller, stack: Stack, server: str, tool: str, arguments: dict[str, str]
) -> None:
    click = f"click-{caller.claims['sid'][:8]}-{server}"
    answer = await caller.call(server, tool, arguments, correlation_id=click)
    assert not answer.is_error, text(answer)
    name, logs = caller.person.username, stack.layout.logs

    (own,) = [line for line in await found(logs / f"mcp-{server}.log", click) if "telling" in line]
    assert f"{tool} for {name} done" in own

    entries = await audited(stack, click)
    paths = [entry["request"]["path"] for entry in entries]
    credential = f"database/creds/{name}" if server == "postgres" else f"secret/data/users/{name}/{server}"
    assert "auth/jwt/login" in paths
    assert credential in paths
    (login,) = [entry for entry in entries if entry["request"]["path"] == "auth/jwt/login"]
    assert login["auth"]["metadata"]["username"] == name
    assert login["auth"]["metadata"]["server"] == f"mcp-{server}"
    assert login["auth"]["metadata"]["sid"] == caller.claims["sid"]
    (read,) = [entry for entry in entries if entry["request"]["path"] == credential]
    assert read["auth"]["metadata"]["username"] == name

    if server == "postgres":
        me = (answer.structured_content or {})["rows"][0]["me"]
        assert f"-{name}-" in me
        for line in await found(logs / "postgres.log", click):
            # The role is the person's own, the server and the click stand in application_name; the statement does not.
            assert f"{me}@shop mcp-postgres:{click} LOG:  duration: " in line
            assert "SELECT" not in line
    else:
        (called,) = await found(logs / "mock.log", click)
        assert f"caller={name}" in called or f"caller={caller.person.email}" in called
        assert " 200 " in called


async def test_two_clicks_are_told_apart(caller: Caller, stack: Stack) -> None:
    for number in (1, 2):
        await caller.call(
            "jira", "get_issue", {"issue_key": "PROJ-1"}, correlation_id=f"{caller.claims['sid']}-{number}"
        )
    for number in (1, 2):
        assert len(await found(stack.layout.logs / "mock.log", f"{caller.claims['sid']}-{number}")) == 1
