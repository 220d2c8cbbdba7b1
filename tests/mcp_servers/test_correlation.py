"""Who did it, everywhere: one correlation id joins the logs of the MCP server, Vault, PostgreSQL and the API."""

from __future__ import annotations

import pytest

from stack.testing import Stack
from tests.mcp_servers.callers import Caller, text
from tests.support.logs import audited, found


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

    (own,) = found(logs / f"mcp-{server}.log", click, saying="fastmcp_vault.server.trace")
    assert f"{tool} for {name} done" in own

    entries = audited(stack, click)
    credential = f"database/creds/{name}" if server == "postgres" else f"secret/data/users/{name}/{server}"
    login, read = entries["auth/jwt/login"]["auth"]["metadata"], entries[credential]["auth"]["metadata"]
    assert (login["username"], login["server"], login["sid"]) == (name, f"mcp-{server}", caller.claims["sid"])
    assert read == login

    if server == "postgres":
        me = (answer.structured_content or {})["rows"][0]["me"]
        assert f"-{name}-" in me
        for line in found(logs / "postgres.log", click):
            # The role is the person's own, the server and the click stand in application_name; the statement does not.
            assert f"{me}@shop mcp-postgres:{click} LOG:  duration: " in line
            assert "SELECT" not in line
    else:
        (called,) = found(logs / "mock.log", click)
        assert f"caller={name}" in called or f"caller={caller.person.email}" in called
        assert " 200 " in called


async def test_two_clicks_are_told_apart(caller: Caller, stack: Stack) -> None:
    for number in (1, 2):
        await caller.call(
            "jira", "get_issue", {"issue_key": "PROJ-1"}, correlation_id=f"{caller.claims['sid']}-{number}"
        )
    for number in (1, 2):
        assert len(found(stack.layout.logs / "mock.log", f"{caller.claims['sid']}-{number}")) == 1
