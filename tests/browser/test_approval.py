"""A person's yes, in a browser: the dialog over the tools, and the page that an older client's link leads to."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
import requests
from playwright.sync_api import expect

from stack.testing import Stack
from tests.mcp_servers.callers import Caller, signed_in
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person
from tests.support.registered import registered

T = TypeVar("T")

FRESH_SECONDS = 20
"""How old a sign-in may be for a yes, where that is tried: long enough to click, short enough to wait for."""


def beside(work: Coroutine[Any, Any, T]) -> T:
    """``work`` done in a thread of its own: Playwright keeps this one's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def found(caller: Caller, summary: str) -> int:
    """How many issues have this summary."""
    listed = beside(caller.data("jira", "list_issues", {"jql": f'summary ~ "{summary}"'}))
    return sum(issue["summary"] == summary for issue in listed["issues"])


def older_client(stack: Stack, token: str, arguments: dict[str, str]) -> dict[str, Any]:
    """`create_issue` as a client of 2025-06-18 sends it."""
    answer = requests.post(
        f"{stack.url('mcp-jira')}/mcp",
        headers={
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
            "Authorization": f"Bearer {token}",
        },
        json={
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "create_issue", "arguments": arguments},
        },
        timeout=30,
    )
    return dict(answer.json()["result"])


def test_the_dialog_shows_what_will_be_done_and_only_a_yes_does_it(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    summary, caller = f"dialog {secrets.token_hex(6)}", beside(signed_in(stack, person))
    me = visitor()
    me.sign_in(person)
    me.load("Jira")
    tool = me.tool("jira", "create_issue")
    tool.get_by_role("textbox", name="project").fill("PROJ")
    tool.get_by_role("textbox", name="summary").fill(summary)
    tool.get_by_role("button", name="Execute").click()
    dialog = me.page.get_by_role("dialog")
    for fact in (f"secret/data/users/{person.username}/jira", summary, "mcp-demo-app", "create_issue"):
        expect(dialog).to_contain_text(fact, timeout=PATIENCE)
    dialog.get_by_role("button", name="No", exact=True).click()
    me.sees("create_issue at Jira did not run")
    expect(tool.get_by_role("alert")).to_contain_text("nothing was changed", timeout=PATIENCE)
    assert found(caller, summary) == 0

    me.press_for_trace(tool.get_by_role("button", name="Execute"))
    me.press_for_trace(me.page.get_by_role("dialog").get_by_role("button", name="Yes, do it"))
    me.sees(f"create_issue ran at Jira as {person.username}.")
    said = "\n".join(me.messages())
    assert re.search(r"^done, 7[a-z] · The person's answer, good once", said, re.MULTILINE)
    assert re.search(r"^done, 7[a-z] · Call the back end as this person", said, re.MULTILINE)
    assert found(caller, summary) == 1
    beside(caller.sign_out())


def test_a_link_is_answered_by_its_own_person_and_the_same_call_then_goes_through_once(
    visitor: Callable[[], Visitor], person: Person, new_person: Callable[[], Person], stack: Stack
) -> None:
    arguments = {"project": "PROJ", "summary": f"link {secrets.token_hex(6)}"}
    caller = beside(signed_in(stack, person))
    told = older_client(stack, beside(caller.token("jira")), arguments)["content"][0]["text"]
    path = told.split(stack.url("app"))[1].split()[0]

    stranger = visitor()
    stranger.sign_in(new_person(), path)
    stranger.sees("There is nothing here that you can answer")
    assert arguments["summary"] not in stranger.words()

    me = visitor()
    me.sign_in(person, path)
    me.sees(arguments["summary"])
    me.page.get_by_role("button", name="Yes, do it").click()
    me.sees("Make the same call again in your program")
    assert not older_client(stack, beside(caller.token("jira")), arguments)["isError"]
    assert older_client(stack, beside(caller.token("jira")), arguments)["isError"]
    assert found(caller, arguments["summary"]) == 1
    me.open(path)
    me.sees("was approved and has run")
    beside(caller.sign_out())


def test_the_page_names_the_registered_client_that_asks_with_its_id(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    client = registered(stack, person, scope="mcp:jira mcp:jira:write")
    told = older_client(stack, client.access_token, {"project": "PROJ", "summary": "by a stranger's program"})
    me = visitor()
    me.sign_in(person, told["content"][0]["text"].split(stack.url("app"))[1].split()[0])
    me.sees("“Stranger”, a name that this program chose itself")
    me.sees(client.client_id)


def sign_in_again_and_say_yes(me: Visitor, person: Person) -> None:
    with me.context.expect_page() as opened:
        me.page.get_by_role("link", name="Sign in again").click()
    me.page = opened.value
    me.page.set_default_timeout(PATIENCE)
    me.page.locator("input[type=password]").fill(person.password)
    me.page.get_by_role("button", name="Sign In").click()
    me.page.get_by_role("button", name="Yes, do it").click()
    me.sees("Make the same call again in your program")


def test_where_the_policy_wants_a_fresh_sign_in_the_password_is_asked_again(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    arguments = {"project": "PROJ", "summary": f"fresh {secrets.token_hex(6)}"}
    caller = beside(signed_in(stack, person))
    me = visitor()
    me.sign_in(person)
    told = older_client(stack, beside(caller.token("jira")), arguments)["content"][0]["text"]
    path = told.split(stack.url("app"))[1].split()[0]
    with psycopg.connect(stack.environment("init")["STATE_DSN"], autocommit=True) as state:
        state.execute("UPDATE approvals SET login_age = %s WHERE id = %s", (FRESH_SECONDS, path.partition("id=")[2]))
    again = me.page.get_by_role("link", name="Sign in again")
    until = time.monotonic() + 2 * FRESH_SECONDS
    me.open(path)
    while not again.count() and time.monotonic() < until:
        me.open(path)
    expect(me.page.get_by_role("button", name="Yes, do it")).to_have_count(0)
    sign_in_again_and_say_yes(me, person)
    assert not older_client(stack, beside(caller.token("jira")), arguments)["isError"]

    told = older_client(stack, beside(caller.token("jira")), arguments)["content"][0]["text"]
    path = told.split(stack.url("app"))[1].split()[0]
    with psycopg.connect(stack.environment("init")["STATE_DSN"], autocommit=True) as state:
        state.execute("UPDATE approvals SET acr = 'confirmed' WHERE id = %s", (path.partition("id=")[2],))
    me.open(path)
    me.sees("stronger sign-in: your password, typed anew for it")
    expect(me.page.get_by_role("button", name="Yes, do it")).to_have_count(0)
    sign_in_again_and_say_yes(me, person)
    assert not older_client(stack, beside(caller.token("jira")), arguments)["isError"]
    beside(caller.sign_out())
