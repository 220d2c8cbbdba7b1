"""Each call becomes one row of the audit trail: whose, through what, with which credential, and how it ended."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from fastmcp_vault.state import State
from fastmcp_vault.state.audit_rows import AuditRow
from stack.testing import Stack
from tests.mcp_servers.callers import Caller
from tests.support.logs import PATIENCE, audited


async def row_of(stack: Stack, correlation_id: str) -> AuditRow:
    """The one row about a click, as the app's account reads it."""
    async with State(SecretStr(stack.environment("app")["STATE_DSN"])) as app:
        async with asyncio.timeout(PATIENCE):
            while not (rows := await app.audit_rows.find(correlation_id=correlation_id)):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.02)
        (row,) = rows
        return row


@pytest.mark.parametrize(
    ("server", "tool", "arguments", "outcome"),
    [
        ("jira", "get_issue", {"issue_key": "PROJ-1"}, ("done", "")),
        ("jira", "get_issue", {"issue_key": "NONE-1"}, ("failed", "backend_refused")),
        ("jira", "get_issue", {"token": "hvs.CAESIJ1234567890abcdefghij\u0000"}, ("failed", "input")),
        ("jira", "no_such_tool", {}, None),
        ("postgres", "query", {"sql": "SELECT 1 AS one"}, ("done", "")),
    ],
)
async def test_a_call_is_one_row_that_vault_s_lines_agree_with(
    caller: Caller,
    stack: Stack,
    server: str,
    tool: str,
    arguments: dict[str, str],
    outcome: tuple[str, str] | None,
    request: pytest.FixtureRequest,
) -> None:
    click = f"row-{caller.claims['sid'][:8]}-{abs(hash(request.node.name)) % 10**8}"
    await caller.call(server, tool, arguments, correlation_id=click)
    row = await row_of(stack, click)
    said = row.said
    assert (said["iss"], said["sub"], said["person"]) == (
        caller.claims["iss"],
        caller.claims["sub"],
        caller.person.username,
    )
    assert (said["writer"], said["server"], said["tool"]) == (f"mcp-{server}", f"mcp-{server}", tool)
    assert said["client"] == caller.claims["azp"]
    if outcome is None:
        assert said["outcome"] == "failed"
    else:
        assert (said["outcome"], said.get("code", "")) == outcome
    assert "abcdefghij" not in str(said)
    if outcome and outcome[0] == "done":
        assert all(value in said["arguments"] for value in arguments.values())
        name = caller.person.username
        path = f"database/creds/{name}" if server == "postgres" else f"secret/data/users/{name}/{server}"
        assert said["credential"] == path
        assert said["accessor"]
        assert audited(stack, click)["auth/jwt/login"]["auth"]["metadata"]["username"] == name
