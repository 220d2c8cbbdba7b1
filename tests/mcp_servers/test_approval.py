"""A person's yes before harm: asked with the facts, bound to the very call, spent once, and nothing happens without."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from fastmcp import Client
from mcp import MCPError
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitRequestURLParams, ElicitResult, InputRequiredResult
from requests.cookies import RequestsCookieJar

from common.servers import MCP_SERVERS
from common.settings import load
from docs import plain_client
from fastmcp_vault.errors import ConfigError
from fastmcp_vault.levels import LEVEL_SECONDS
from fastmcp_vault.oidc import unverified_claims
from mcp_servers.kind import server_named
from stack.testing import Stack
from tests.mcp_servers.callers import ERROR, TRACE, Caller, connected, post, says_yes, steps, text
from tests.mcp_servers.conftest import SignIn
from tests.mcp_servers.serving import replica
from tests.support.logs import found
from tests.support.people import Person
from tests.support.visiting import AtTheForm

YES = {"approval": ElicitResult(action="accept", content={"approve": True})}


def new_issue() -> dict[str, str]:
    return {"project": "PROJ", "summary": f"approved {secrets.token_hex(6)}"}


async def made(caller: Caller, arguments: dict[str, str]) -> int:
    """How many issues there are of this summary."""
    found = await caller.data("jira", "list_issues", {"jql": f'summary ~ "{arguments["summary"]}"'})
    return sum(issue["summary"] == arguments["summary"] for issue in found["issues"])


async def send(client: Client[Any], arguments: dict[str, str], **more: Any) -> CallToolResult | InputRequiredResult:
    """One leg of `create_issue`, with nobody to lead the client through the next."""
    return await client.session.call_tool("create_issue", arguments, allow_input_required=True, **more)


async def asked(client: Client[Any], arguments: dict[str, str], **more: Any) -> InputRequiredResult:
    found = await send(client, arguments, **more)
    assert isinstance(found, InputRequiredResult)
    return found


def refusal(result: CallToolResult | InputRequiredResult) -> dict[str, Any]:
    assert isinstance(result, CallToolResult)
    assert result.is_error, result.structured_content
    return dict((result.meta or {})[ERROR])


async def by_post(stack: Stack, caller: Caller, arguments: dict[str, str]) -> dict[str, Any]:
    """The call as a client of 2025-06-18 sends it."""
    params = {"name": "create_issue", "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return dict((await post(stack, "jira", await caller.token("jira"), body=body)).json()["result"])


def ruled(stack: Stack, **policy: str) -> dict[str, str]:
    """The Jira server's environment with another policy."""
    return stack.environment("mcp-jira") | policy


def in_state(stack: Stack, statement: str, *values: object) -> list[Any]:
    with psycopg.connect(stack.environment("init")["STATE_DSN"], autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


async def test_the_person_is_shown_what_will_be_done_and_with_which_credential(caller: Caller, stack: Stack) -> None:
    arguments = new_issue() | {"description": "harmless\u202ednuof"}
    async with connected(stack, "jira", await caller.token("jira"), "ask-1", answer=says_yes) as client:
        question = await asked(client, arguments, meta={TRACE: True})
        assert question.input_requests is not None
        params = question.input_requests["approval"].params
        assert isinstance(params, ElicitRequestFormParams)
        name = caller.person.username
        for fact in ("create_issue at Jira", f"as {name}", "mcp-demo-app", arguments["summary"], f"users/{name}/jira"):
            assert fact in params.message
        assert "\\u202e" in params.message
        assert "\u202e" not in params.message
        assert caller.person.entitlements["jira"]["api_token"] not in str(question.model_dump())
        reported = {step["kind"]: step for step in (question.meta or {})[TRACE]["steps"]}
        assert reported["approval-question"]["status"] == "done"
        assert reported["backend"]["status"] == "skipped"
        assert await made(caller, arguments) == 0
        done = await send(
            client, arguments, meta={TRACE: True}, input_responses=YES, request_state=question.request_state
        )
    assert isinstance(done, CallToolResult)
    assert not done.is_error, text(done)
    assert steps(done)["approval"]["status"] == "done"
    assert await made(caller, arguments) == 1
    log = stack.layout.logs / "mcp-jira.log"
    assert found(log, "[ask-1]", saying="the approval is spent")
    about = found(log, "[ask-1]", saying=f"create_issue for {name}")
    assert any("waits for a yes (form, acr any)" in line for line in about)
    assert any("the approval is spent" in line for line in about)
    assert not any(arguments["summary"] in line for line in about)


@pytest.mark.parametrize(
    "answer",
    [
        ElicitResult(action="decline"),
        ElicitResult(action="cancel"),
        ElicitResult(action="accept", content={"approve": False}),
        ElicitResult(action="accept"),
    ],
)
async def test_anything_but_yes_changes_nothing_and_cannot_become_one(
    shared: Caller, stack: Stack, answer: ElicitResult
) -> None:
    arguments = new_issue()
    async with connected(stack, "jira", await shared.token("jira"), answer=says_yes) as client:
        state = (await asked(client, arguments)).request_state
        said = refusal(await send(client, arguments, input_responses={"approval": answer}, request_state=state))
        assert said["code"] == "approval_refused"
        assert "nothing was changed" in said["what"]
        after = refusal(await send(client, arguments, input_responses=YES, request_state=state))
        assert after["code"] == "approval_invalid"
    assert await made(shared, arguments) == 0


async def test_a_yes_is_for_these_arguments_this_person_and_this_session(
    caller: Caller, sign_in: SignIn, new_person: Callable[[], Any], stack: Stack
) -> None:
    arguments = new_issue()
    other, again = await sign_in(new_person()), await sign_in(caller.person)
    assert again.claims["sid"] != caller.claims["sid"]
    async with connected(stack, "jira", await caller.token("jira"), answer=says_yes) as client:
        state = (await asked(client, arguments)).request_state
        assert state is not None
        changed = arguments | {"summary": f"{arguments['summary']} and more"}
        for forged in (state[:-4] + "AAAA", secrets.token_urlsafe(60), "v1.", ""):
            with pytest.raises(MCPError, match="requestState"):
                await send(client, arguments, input_responses=YES, request_state=forged)
        with pytest.raises(MCPError, match="requestState"):
            await send(client, changed, input_responses=YES, request_state=state)
    async with connected(stack, "jira", await other.token("jira"), answer=says_yes) as client:
        with pytest.raises(MCPError, match="requestState"):
            await send(client, arguments, input_responses=YES, request_state=state)
    async with connected(stack, "jira", await again.token("jira"), answer=says_yes) as client:
        said = refusal(await send(client, arguments, input_responses=YES, request_state=state))
        assert (said["code"], "another session" in said["what"]) == ("approval_invalid", True)
    assert await made(caller, arguments) == await made(caller, changed) == 0


async def test_a_yes_is_used_once_though_two_replicas_are_sent_it_at_the_same_time(
    shared: Caller, stack: Stack
) -> None:
    arguments, token = new_issue(), await shared.token("jira")
    async with (
        replica(stack, "jira") as second,
        connected(stack, "jira", token, answer=says_yes) as here,
        connected(stack, "jira", token, at=second.url, answer=says_yes) as there,
    ):
        state = (await asked(here, arguments)).request_state
        both = (here, there) * 4
        tries = [send(one, arguments, input_responses=YES, request_state=state) for one in both]
        results = [found for found in await asyncio.gather(*tries) if isinstance(found, CallToolResult)]
    assert sum(not found.is_error for found in results) == 1
    assert {refusal(found)["code"] for found in results if found.is_error} == {"approval_invalid"}
    assert await made(shared, arguments) == 1


def test_a_yes_to_one_program_is_no_yes_to_another_of_the_same_person_and_session(stack: Stack, person: Person) -> None:
    """The person is shown which program asks: that one may go on, and none that signed in beside it."""
    arguments, cookies = new_issue(), RequestsCookieJar()
    link = f"{stack.url('app')}/approve?id="
    with plain_client.Client(f"{stack.url('mcp-jira')}/mcp") as shown, plain_client.Client(shown.url) as other:
        for client in (shown, other):
            client.sign_in(AtTheForm(person, cookies=cookies))
        mine, others = (unverified_claims(client.token) for client in (shown, other))
        assert (mine["sid"], mine["azp"] != others["azp"]) == (others["sid"], True)

        def told(client: plain_client.Client) -> str:
            return str(client.ask("create_issue", arguments).json()["result"]["content"][0]["text"])

        approval_id = told(shown).split(link)[1].split()[0]
        in_state(stack, "UPDATE approvals SET status = 'approved', decided_at = now() WHERE id = %s", approval_id)
        assert link in told(other)
        assert approval_id not in told(other)
        assert shown.call("create_issue", arguments)["key"].startswith("PROJ-")


async def test_an_expired_yes_changes_nothing(shared: Caller, stack: Stack) -> None:
    arguments = new_issue()
    async with connected(stack, "jira", await shared.token("jira"), answer=says_yes) as client:
        state = (await asked(client, arguments)).request_state
        in_state(
            stack,
            "UPDATE approvals SET expires_at = now() WHERE facts->>'arguments' LIKE %s",
            f"%{arguments['summary']}%",
        )
        said = refusal(await send(client, arguments, input_responses=YES, request_state=state))
    assert (said["code"], "has expired" in said["what"]) == ("approval_invalid", True)
    assert await made(shared, arguments) == 0


async def test_an_older_client_gets_a_link_and_after_the_yes_the_same_call_goes_through_once(
    shared: Caller, stack: Stack
) -> None:
    arguments = new_issue()
    first = await by_post(stack, shared, arguments)
    assert first["isError"]
    told = first["content"][0]["text"]
    assert "nothing has been changed" in told
    link = f"{stack.url('app')}/approve?id="
    approval_id = told.split(link)[1].split()[0]
    assert link + approval_id in (await by_post(stack, shared, arguments))["content"][0]["text"]
    in_state(stack, "UPDATE approvals SET status = 'approved', decided_at = now() WHERE id = %s", approval_id)
    other = await by_post(stack, shared, arguments | {"summary": "something else"})
    assert other["_meta"][ERROR]["code"] == "approval_needed"
    assert not (await by_post(stack, shared, arguments))["isError"]
    assert (await by_post(stack, shared, arguments))["_meta"][ERROR]["code"] == "approval_needed"
    assert await made(shared, arguments) == 1


async def test_a_no_in_the_app_is_told_to_the_older_client(shared: Caller, stack: Stack) -> None:
    arguments = new_issue()
    await by_post(stack, shared, arguments)
    in_state(
        stack, "UPDATE approvals SET status = 'refused' WHERE facts->>'arguments' LIKE %s", f"%{arguments['summary']}%"
    )
    told = await by_post(stack, shared, arguments)
    assert told["_meta"][ERROR]["code"] == "approval_refused"
    assert await made(shared, arguments) == 0


async def test_bad_arguments_and_reads_ask_nobody(shared: Caller, stack: Stack) -> None:
    async with connected(stack, "jira", await shared.token("jira"), answer=says_yes) as client:
        assert refusal(await send(client, {"project": "?", "summary": "x"}))["code"] == "input"
        read = await client.session.call_tool("list_projects", {}, allow_input_required=True)
    assert isinstance(read, CallToolResult)


@pytest.mark.parametrize(
    ("policy", "age", "acr"),
    [({"MCP_APPROVAL_LOGIN_AGE": "60"}, 60, ""), ({"MCP_APPROVAL_ACR": "confirmed"}, LEVEL_SECONDS, "confirmed")],
)
async def test_a_policy_about_the_sign_in_asks_in_the_app_whatever_the_client_can(
    shared: Caller, stack: Stack, policy: dict[str, str], age: int, acr: str
) -> None:
    """A client's word for its person is not enough there: it is given an address to open, and no form."""
    arguments, token = new_issue(), await shared.token("jira")
    async with (
        replica(stack, "jira", settings=ruled(stack, **policy)) as strict,
        connected(stack, "jira", token, at=strict.url, answer=says_yes) as client,
    ):
        question = await asked(client, arguments)
        assert question.input_requests is not None
        params = question.input_requests["approval"].params
        assert isinstance(params, ElicitRequestURLParams)
        approval_id = params.url.removeprefix(f"{stack.url('app')}/approve?id=")
        kept = in_state(stack, "SELECT way, login_age, acr FROM approvals WHERE id = %s", approval_id)
        assert kept == [("link", age, acr)]
        opened = {"approval": ElicitResult(action="accept")}
        state = question.request_state
        for said in (opened, YES):
            waits = refusal(await send(client, arguments, input_responses=said, request_state=state))
            assert waits["code"] == "approval_needed"
        in_state(stack, "UPDATE approvals SET status = 'approved', decided_at = now() WHERE id = %s", approval_id)
        done = await send(client, arguments, input_responses=opened, request_state=state)
        assert isinstance(done, CallToolResult)
        assert not done.is_error, text(done)
    assert await made(shared, arguments) == 1


async def test_the_policy_says_which_tools_ask(shared: Caller, stack: Stack) -> None:
    token = await shared.token("jira")
    move = {"issue_key": "PROJ-1", "transition": "no such transition"}
    for policy, creating, moving in (("never", False, False), ("destructive", False, True)):
        async with (
            replica(stack, "jira", settings=ruled(stack, MCP_APPROVAL=policy)) as other,
            connected(stack, "jira", token, at=other.url, answer=says_yes) as client,
        ):
            created = await send(client, new_issue())
            moved = await client.session.call_tool("transition_issue", move, allow_input_required=True)
        assert isinstance(created, InputRequiredResult) is creating
        assert isinstance(moved, InputRequiredResult) is moving


def test_each_server_has_a_policy_of_its_own_where_they_share_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_JIRA_APPROVAL", "destructive")
    monkeypatch.setenv("MCP_GITHUB_APPROVAL_LOGIN_AGE", "60")
    monkeypatch.setenv("MCP_POSTGRES_APPROVAL_ACR", "two-factor")
    found = {name: load(server_named(name).settings) for name in MCP_SERVERS}
    assert {name: one.mcp_approval for name, one in found.items()} == {
        "jira": "destructive",
        "github": "writes",
        "postgres": "writes",
    }
    assert [one.mcp_approval_login_age for one in found.values()] == [0, 60, 0]
    assert [one.mcp_approval_acr for one in found.values()] == ["", "", "two-factor"]
    assert [one.approval_age for one in found.values()] == [0, 60, LEVEL_SECONDS]
    monkeypatch.setenv("MCP_POSTGRES_APPROVAL_ACR", "twofactor")
    with pytest.raises(ConfigError, match="MCP_POSTGRES_APPROVAL_ACR"):
        load(server_named("postgres").settings)
