"""The facilitator's page: one button stops an MCP server for everybody, another ends a session; nobody else may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from playwright.sync_api import expect

from stack.testing import Stack
from tests.mcp_servers.callers import Vault, post, signed_in
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person

pytestmark = pytest.mark.disturbs

T = TypeVar("T")


def aside(work: Coroutine[Any, Any, T]) -> T:
    """``work``'s result, from a thread of its own: this one's event loop is Playwright's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def test_one_button_stops_a_server_for_everybody_and_another_lets_it_serve_again(
    visitor: Callable[[], Visitor], everybody: dict[str, Person], person: Person, stack: Stack
) -> None:
    caller = aside(signed_in(stack, person))
    aside(caller.data("jira", "get_issue", {"issue_key": "PROJ-1"}))
    token = aside(caller.token("jira"))
    vault = Vault(stack)
    assert vault.tokens(caller, "jira")

    charlie = visitor()
    charlie.sign_in(everybody["charlie"], "/people")
    charlie.sees(person.username)
    jira = charlie.page.locator(".st-key-server-mcp-jira")
    expect(jira).to_contain_text("serving", timeout=PATIENCE)
    jira.get_by_role("button", name="Suspend").click()
    charlie.page.get_by_role("textbox", name="Reason").fill("Somebody *broke* it")
    charlie.page.get_by_role("button", name="Suspend for everybody").click()
    expect(jira).to_contain_text("suspended", timeout=PATIENCE)
    expect(jira).to_contain_text("Somebody *broke* it", timeout=PATIENCE)
    refused = aside(post(stack, "jira", token))
    assert refused.status_code == 503
    assert "Somebody *broke* it" in refused.json()["error_description"]
    assert not vault.tokens(caller, "jira")

    jira.get_by_role("button", name="Let it serve again").click()
    expect(jira).to_contain_text("serving", timeout=PATIENCE)
    assert aside(post(stack, "jira", token)).status_code == 200

    mine = charlie.page.locator("[class*='st-key-session-']", has_text=person.username).last
    aside(caller.data("github", "list_repos"))
    mine.get_by_role("button", name="End session").click()
    expect(mine).to_have_count(0, timeout=PATIENCE)
    assert aside(post(stack, "jira", token)).status_code == 401
    vault.close()
    charlie.sign_out()


def test_a_person_is_refused_everywhere_by_one_button_and_let_in_again_by_another(
    visitor: Callable[[], Visitor], everybody: dict[str, Person], person: Person, stack: Stack
) -> None:
    caller = aside(signed_in(stack, person))
    aside(caller.data("jira", "get_issue", {"issue_key": "PROJ-1"}))
    token = aside(caller.token("jira"))
    vault = Vault(stack)
    charlie = visitor()
    charlie.sign_in(everybody["charlie"], "/people")
    theirs = charlie.page.locator("[class*='st-key-session-']", has_text=person.username).first
    theirs.get_by_role("button", name="Suspend").click()
    charlie.page.get_by_role("textbox", name="Reason").fill("a lost laptop")
    charlie.page.get_by_role("button", name="Suspend everywhere").click()
    charlie.sees(f"{person.username} is suspended. Vault tokens revoked, with their leases: 1 of 1.")
    refused = aside(post(stack, "jira", token))
    assert (refused.status_code, "a lost laptop" in refused.text) == (403, True)
    assert not vault.tokens(caller, "jira")

    stopped = charlie.page.locator("[class*='st-key-suspended-']", has_text=person.username)
    stopped.get_by_role("button", name="Lift the suspension").click()
    expect(stopped).to_have_count(0, timeout=PATIENCE)
    assert aside(post(stack, "jira", token)).status_code == 200
    vault.close()
    charlie.sign_out()


def test_nobody_else_sees_the_room(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person, "/people")
    me.sees("This page is for the facilitator.")
    assert me.page.get_by_role("button", name="Suspend").count() == 0
    assert me.page.get_by_role("link", name="People").count() == 0
    me.sign_out()
