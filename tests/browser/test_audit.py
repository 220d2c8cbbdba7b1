"""The Audit page in a browser: which server acted for me, joined to what I did; nobody sees another's lines."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person


def test_two_people_each_see_who_acted_for_them_and_nothing_of_the_other(
    visitor: Callable[[], Visitor], new_person: Callable[[], Person]
) -> None:
    me, other, person, another = visitor(), visitor(), new_person(), new_person()
    me.sign_in(person)
    me.load("Jira", "PostgreSQL")
    trace = me.trace_id()
    me.go("Look inside", "Audit")
    me.sees(f"requests reached Vault as {person.username}")
    for server in ("Jira", "PostgreSQL"):
        expect(me.page.get_by_role("img", name=f"{server}: ")).to_be_visible(timeout=PATIENCE)
    action = me.page.get_by_text("Load tools: Jira, PostgreSQL")
    action.click()
    me.sees(f"secret/data/users/{person.username}/jira")
    me.sees("Log in to Vault as this person, through this server")
    me.sees(trace)

    # The trace of the same action opens beside the lines; in another tab the lines are named for what they are.
    opened = me.opened(me.page.get_by_test_id("stExpander").filter(has_text=trace))
    opened.get_by_text("Show the trace of this action").click()
    expect(me.page.get_by_role("button", name="6 · Read this person's credential").first).to_be_visible(
        timeout=PATIENCE
    )
    tab = Visitor(me.context, me.base)
    tab.open("/audit")
    tab.sees("you, in another tab or before this page was opened anew")
    tab.page.close()
    elsewhere = visitor()
    elsewhere.sign_in(person, "/audit")
    elsewhere.sees("you, in another sign-in: another browser, device or program")

    other.sign_in(another, "/audit")
    other.sees(f"requests reached Vault as {another.username}")
    for hers in (person.username, trace):
        assert hers not in other.words()

    me.page.get_by_label("Path, action or id").fill("database/creds")
    me.page.keyboard.press("Enter")
    expect(me.page.get_by_role("img", name="Jira: ")).to_have_count(0, timeout=PATIENCE)
    expect(me.page.get_by_role("img", name="PostgreSQL: ")).to_be_visible(timeout=PATIENCE)
    me.page.get_by_label("Path, action or id").fill("nowhere at all")
    me.page.keyboard.press("Enter")
    me.sees("Nothing matches. Loosen the filter.")
    for one in (elsewhere, other):
        one.sign_out()
