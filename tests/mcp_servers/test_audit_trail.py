"""Each call becomes one row of the audit trail: whose, through what, with which credential, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pydantic import SecretStr

from app import who_did
from app.evidence import evidence
from app.settings import AppSettings
from fastmcp_vault.state import State
from fastmcp_vault.state.audit_rows import AuditRow
from stack.testing import Stack
from tests.app.serving import cookie_of, process_of
from tests.mcp_servers.callers import Caller
from tests.support.logs import PATIENCE
from tests.support.people import Person

CALLS = {
    "read": ("jira", "get_issue", {"issue_key": "PROJ-1"}, "done", ""),
    "refused": ("jira", "get_issue", {"issue_key": "NONE-1"}, "refused", "backend_refused"),
    "foreign": ("jira", "get_issue", {"token": "hvs.CAESIJ1234567890abcdefghij\u0000"}, "refused", "input"),
    "query": ("postgres", "query", {"sql": "SELECT 1 AS one"}, "done", ""),
}
"""Server, tool, arguments, and the outcome and the code that the row is to say."""


async def rows_of(stack: Stack, caller: Caller, count: int) -> list[AuditRow]:
    """The rows of a caller's sign-in, the oldest first, as the app's account reads them, once there are so many."""
    async with State(SecretStr(stack.environment("app")["STATE_DSN"])) as app, asyncio.timeout(PATIENCE):
        while True:
            found = await app.audit_rows.find(iss=caller.claims["iss"], sub=caller.claims["sub"])
            rows = [row for row in found if row.said["sid"] == caller.claims["sid"]]
            if len(rows) >= count:
                return rows[::-1]
            await asyncio.sleep(0.05)


async def test_a_call_is_one_row_and_the_lines_of_vault_the_server_and_the_back_end_are_joined_to_it(
    caller: Caller, stack: Stack
) -> None:
    name = caller.person.username
    for click, (server, tool, arguments, *_) in CALLS.items():
        await caller.call(server, tool, arguments, correlation_id=f"{click}-{caller.claims['sid']}")
    rows = await rows_of(stack, caller, len(CALLS))
    assert len(rows) == len(CALLS)
    by_click = {row.said["correlation_id"].partition("-")[0]: row for row in rows}
    for click, (server, tool, arguments, outcome, code) in CALLS.items():
        said = by_click[click].said
        assert (said["person"], said["client"]) == (name, caller.claims["azp"])
        assert (said["writer"], said["server"], said["tool"]) == (f"mcp-{server}", f"mcp-{server}", tool)
        assert (said["outcome"], said.get("code", "")) == (outcome, code)
        if outcome == "done":
            assert all(value in said["arguments"] for value in arguments.values())
    assert "abcdefghij" not in str(rows)
    assert by_click["read"].said["credential"] == f"secret/data/users/{name}/jira"
    assert by_click["query"].said["credential"] == f"database/creds/{name}"

    settings = AppSettings(**{key.lower(): value for key, value in stack.environment("app").items()})  # type: ignore[arg-type]
    found = {one.part: one for one in evidence(by_click["read"], settings, everybody=True)}
    assert any("auth/jwt/login" in line for line in found["Vault"].lines)
    assert any("get_issue" in line for line in found["MCP server"].lines)
    assert any("PROJ-1" in line for line in found["Back end"].lines)
    (line, *_) = evidence(by_click["query"], settings, everybody=True)[-1].lines
    assert f"mcp-postgres:query-{caller.claims['sid']}" in line
    found = {one.part: one for one in evidence(by_click["refused"], settings, everybody=True)}
    assert "a credential that was held from before" in found["Vault"].missing
    # Another's row that names the same id is not joined to these lines of Vault's.
    forged = AuditRow(1, 0.0, {**by_click["read"].said, "sid": "another"})
    assert evidence(forged, settings, everybody=False)[0].lines == ()


async def test_a_person_sees_their_own_rows_and_the_facilitator_everybody_s(
    caller: Caller, stack: Stack, everybody: dict[str, Person], new_person: Callable[[], Person]
) -> None:
    await caller.call("jira", "list_projects", {})
    (row,) = await rows_of(stack, caller, 1)
    other = new_person()
    async with process_of(stack) as process:
        seen = {}
        for person in (caller.person, other, everybody["charlie"]):
            cookie = await cookie_of(process, stack, person)
            seen[person.username] = await who_did.look(process, cookie, row.said["correlation_id"])
            await process.sessions.end(cookie)
    assert [(found.everybody, row in found.rows) for found in seen.values()] == [
        (False, True),
        (False, False),
        (True, True),
    ]
    assert {row.said["sub"] for row in seen[caller.person.username].rows} == {caller.claims["sub"]}
    assert caller.claims["sub"] not in {row.said["sub"] for row in seen[other.username].rows}
