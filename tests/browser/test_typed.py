"""A long form and a session that ends meanwhile: typing keeps it alive, and what was typed is not lost with it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Request, expect

from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.login import end_at_keycloak
from tests.support.people import Person

LONG = ("A line that took a while to write, with “quotes” and `ticks`.\n" * 30)[:1800]
SAID = "This is what you had typed."


def begin(me: Visitor, person: Person) -> None:
    me.sign_in(person)
    me.load("Jira")
    form = me.tool("jira", "create_issue")
    form.get_by_role("textbox", name="project").fill("PROJ")
    form.get_by_role("textbox", name="summary").fill("Printer")
    form.get_by_role("textbox", name="description").fill(LONG)


def execute(me: Visitor) -> None:
    me.page.locator(".st-key-tool-jira-create_issue").get_by_role("button", name="Execute").click()


def test_a_long_form_comes_back_to_its_writer_after_an_administrator_ended_the_session(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    begin(me, person)
    end_at_keycloak(stack, person)
    execute(me)
    me.sees("Your session has ended. Sign in again.")
    me.sees("What you typed is kept for an hour, encrypted.")
    assert LONG[:60] not in me.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")

    me.page.get_by_role("link", name="Sign in").first.click()
    me.fill_in(person.username, person.password)
    me.sees(SAID)
    form = me.page.locator(".st-key-tool-jira-create_issue")
    expect(form.get_by_role("textbox", name="description")).to_have_value(LONG, timeout=PATIENCE)
    expect(form.get_by_role("textbox", name="summary")).to_have_value("Printer")
    expect(form.get_by_role("textbox", name="description")).to_be_visible()
    execute(me)
    me.page.get_by_role("dialog").wait_for()
    me.sees("Printer")

    again = visitor()
    again.sign_in(person)
    again.settled()
    assert SAID not in again.words()


def test_somebody_else_at_that_browser_gets_nothing_and_learns_nothing(
    visitor: Callable[[], Visitor], person: Person, bob: Person, stack: Stack
) -> None:
    me = visitor()
    begin(me, person)
    end_at_keycloak(stack, person)
    execute(me)
    me.sees("What you typed is kept for an hour, encrypted.")
    me.page.get_by_role("link", name="Sign in").first.click()
    me.fill_in(bob.username, bob.password)
    me.sees("Signed in as bob")
    me.load("GitHub")
    shown = me.words()
    for secret in (SAID, LONG[:40], "Printer", person.username, "kept for an hour"):
        assert secret not in shown
    me.sign_out()
    back = visitor()
    back.sign_in(person)
    back.sees(SAID)
    expect(back.page.get_by_role("textbox", name="description")).to_have_value(LONG, timeout=PATIENCE)


def test_typing_keeps_the_session_alive_and_says_so_seldom(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    begin(me, person)
    told: list[Request] = []
    me.page.on("request", lambda request: told.append(request) if "/auth/alive" in request.url else None)
    text = me.page.locator(".st-key-tool-jira-create_issue").get_by_role("textbox", name="description")
    text.press_sequentially("The page has just renewed the session. ")
    assert told == []
    me.page.evaluate("window.mcpDemoRenewed -= 121_000")
    with me.page.expect_response("**/auth/alive") as answered:
        text.press_sequentially("Two minutes later, and on and on. ")
    assert answered.value.status == 204
    assert len(told) == 1
    end_at_keycloak(stack, person)
    me.page.evaluate("window.mcpDemoRenewed -= 121_000")
    with me.page.expect_response(lambda response: "/auth/alive" in response.url and response.status == 401):
        text.press_sequentially("x")
