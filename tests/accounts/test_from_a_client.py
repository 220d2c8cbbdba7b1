"""Any MCP client: the call that lacks an account leads its person to the app, and goes on by itself once connected."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from mcp import MCPError, UrlElicitationRequiredError
from mcp_types import ElicitResult

from stack.testing import Stack
from tests.accounts.at_the_app import Browser, query_of
from tests.mcp_servers.callers import ERROR, as_superuser, connected, signed_in
from tests.support.agreeing import visit
from tests.support.inspector import inspect
from tests.support.peers import Peers
from tests.support.people import Person

ISSUE = {"issue_key": "PROJ-1"}


def token_of(stack: Stack, person: Person) -> str:
    """A token for the Jira server that another program than the app has."""
    form = {
        "grant_type": "password",
        "client_id": "lab-jira",
        "client_secret": stack.secrets["LAB_CLIENT_SECRET"],
        "username": person.username,
        "password": person.password,
        "scope": "mcp:jira mcp:jira:write",
    }
    url = f"{stack.url('keycloak')}/realms/mcp-demo/protocol/openid-connect/token"
    return str(requests.post(url, data=form, timeout=10).json()["access_token"])


async def test_a_client_that_opens_links_is_sent_to_the_app_and_the_call_goes_on(
    browser: Browser, stack: Stack
) -> None:
    links: list[str] = []

    async def opens(message: str, kind: object, params: Any, context: object) -> ElicitResult:
        links.append(params.url)
        request_id = query_of(params.url)["id"]
        await asyncio.to_thread(browser.connect, "jira", f"id={request_id}&next=/connect-account")
        return ElicitResult(action="accept")

    async with connected(stack, "jira", token_of(stack, browser.person), answer=opens) as client:
        result = await client.call_tool("get_issue", ISSUE)
    assert result.structured_content["key"] == "PROJ-1"
    assert len(links) == 1
    assert links[0].startswith(f"{stack.url('app')}/connect-account?id=")


async def test_a_client_of_the_revision_before_that_opens_links_is_asked_by_an_error_and_calls_again(
    browser: Browser, stack: Stack
) -> None:
    async def never(message: str, kind: object, params: Any, context: object) -> ElicitResult:
        raise AssertionError("a stateless server asks nobody back")

    token = token_of(stack, browser.person)
    async with connected(stack, "jira", token, mode="legacy", answer=never) as client:
        with pytest.raises(MCPError) as asked:
            await client.call_tool("get_issue", ISSUE)
        (link,) = UrlElicitationRequiredError.from_error(asked.value.error).elicitations
        assert link.url == f"{stack.url('app')}/connect-account?id={link.elicitation_id}"
        assert browser.person.username in link.message
        browser.connect("jira", f"id={link.elicitation_id}&next=/connect-account")
        again = await client.call_tool("get_issue", ISSUE)
    assert again.structured_content["key"] == "PROJ-1"


async def test_a_client_that_cannot_be_asked_gets_the_link_in_a_sentence(browser: Browser, stack: Stack) -> None:
    async with connected(stack, "jira", token_of(stack, browser.person), mode="legacy") as client:
        refused = await client.call_tool("get_issue", ISSUE, raise_on_error=False)
        problem = (refused.meta or {})[ERROR]
        link = problem["fix"].split()[1]
        assert query_of(link)["id"]
        browser.connect("jira", f"id={query_of(link)['id']}&next=/connect-account")
        again = await client.call_tool("get_issue", ISSUE)
    assert again.structured_content["key"] == "PROJ-1"


async def test_a_link_is_good_once_and_for_its_person_alone(new_browser: Callable[[], Browser], stack: Stack) -> None:
    mine, mallory = new_browser(), new_browser()
    async with connected(stack, "jira", token_of(stack, mine.person), mode="legacy") as client:
        refused = await client.call_tool("get_issue", ISSUE, raise_on_error=False)
        request_id = query_of((refused.meta or {})[ERROR]["fix"].split()[1])["id"]
        query = f"id={request_id}&next=/connect-account"
        assert mallory.begin("jira", query).status_code == 400, "a forwarded link binds nothing"
        assert mine.begin("github", query).status_code == 400, "it is for one provider"
        assert mine.connect("jira", query).status_code == 303
        assert mine.begin("jira", query).status_code == 400, "once"
    theirs = await signed_in(stack, mallory.person)
    assert (await theirs.refusal("jira", "get_issue", ISSUE))["code"] == "credential_missing"


async def test_a_link_that_was_not_used_within_minutes_opens_nothing(browser: Browser, stack: Stack) -> None:
    async with connected(stack, "jira", token_of(stack, browser.person), mode="legacy") as client:
        refused = await client.call_tool("get_issue", ISSUE, raise_on_error=False)
    request_id = query_of((refused.meta or {})[ERROR]["fix"].split()[1])["id"]
    with as_superuser(stack, "mcp_state") as state:
        (left,) = state.execute(
            "SELECT expires_at - now() FROM account_requests WHERE id = %s", (request_id,)
        ).fetchone() or (None,)
        assert timedelta() < left <= timedelta(minutes=10)
        state.execute("UPDATE account_requests SET expires_at = now() WHERE id = %s", (request_id,))
    assert browser.begin("jira", f"id={request_id}&next=/connect-account").status_code == 400


async def test_a_changing_tool_asks_for_more_and_then_for_a_yes(browser: Browser, stack: Stack) -> None:
    browser.connect("jira")
    asked: list[str] = []

    async def answers(message: str, kind: object, params: Any, context: object) -> Any:
        asked.append("connect" if getattr(params, "url", "") else "approve")
        if url := getattr(params, "url", ""):
            begun = browser.begin("jira", f"id={query_of(url)['id']}&next=/connect-account")
            assert "write:jira-work" in query_of(begun.headers["Location"])["scope"]
            await asyncio.to_thread(browser.get, browser.consent(begun.headers["Location"]))
            return ElicitResult(action="accept")
        return {"approve": True}

    async with connected(stack, "jira", token_of(stack, browser.person), answer=answers) as client:
        result = await client.call_tool("add_comment", {"issue_key": "PROJ-1", "body": "Hello"}, raise_on_error=False)
    assert not result.is_error, result
    assert asked == ["connect", "approve"]


def test_mcp_inspector_gets_the_link_and_once_connected_the_answer_as_the_person(
    browser: Browser, stack: Stack, peers: Peers, tmp_path: Path
) -> None:
    person = browser.person
    call = ["--cli", f"{stack.url('mcp-jira')}/mcp", "--method", "tools/call", "--tool-name", "get_issue"]
    call += ["--tool-arg", "issue_key=PROJ-1"]

    def agree(url: str) -> str:
        return visit(url, person.username, person.password)

    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    refused, _ = inspect(peers, call, before, agree)
    assert refused["isError"]
    link = re.search(r"http\S+/connect-account\?id=[\w-]+", json.dumps(refused))
    assert link, refused
    browser.connect("jira", f"id={query_of(link[0])['id']}&next=/connect-account")
    answer, _ = inspect(peers, call, after, agree)
    assert answer["structuredContent"]["key"] == "PROJ-1"
