"""The Workshop page, in a browser: what is found elsewhere in the app is the answer, and it is still known tomorrow."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from app.view.workshop_view import SECONDS
from app.workshop import EXERCISES
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person


def exercise(me: Visitor, name: str) -> Locator:
    """An exercise, opened."""
    return me.opened(me.page.locator(f".st-key-workshop-{name}"))


def check(me: Visitor, name: str, then: str) -> None:
    me.page.locator(f".st-key-workshop-check-{name} button").click()
    me.sees(then, within=1000 * SECONDS)
    me.settled()


def done(me: Visitor) -> str:
    return me.page.get_by_text(re.compile(rf"\d+ of {len(EXERCISES)} done")).inner_text()


def test_exercises_are_done_by_doing_them_and_stay_done_until_the_facilitator_resets(
    visitor: Callable[[], Visitor], person: Person, everybody: dict[str, Person]
) -> None:
    me, charlie = visitor(), visitor()
    me.sign_in(person, "/workshop")
    exercise(me, "sign-in")
    check(me, "sign-in", "Keycloak knows your session")
    expect(me.page.get_by_role("button", name="Forget the progress")).to_have_count(0)
    charlie.sign_in(everybody["charlie"], "/workshop")
    charlie.choose("Reset", person.username, typed=True)
    charlie.page.get_by_role("button", name="Forget the progress").click()
    charlie.sees("Progress forgotten for 1.")

    me.open("/workshop")
    assert done(me).startswith("0 of")
    check(me, "sign-in", "Keycloak knows your session")
    assert done(me).startswith("1 of")
    check(me, "entity", "Answer first.")
    exercise(me, "entity").get_by_label("Entity id").fill("no-such-id")
    check(me, "entity", "Your entity at Vault has another id.")

    me.go("Use", "MCP tools")
    me.load("Jira")
    me.message("Find the entity of this user id").click()
    entity_id = me.page.locator(".panel").get_by_text(re.compile(r"^[0-9a-f-]{36}$")).first.inner_text()

    me.go("Workshop and programs", "Workshop")
    exercise(me, "entity").get_by_label("Entity id").fill(entity_id)
    check(me, "entity", f"with the id {entity_id}")
    exercise(me, "entity").get_by_text("How it was checked").click()
    expect(me.message("Find the entity of this user id")).to_be_visible(timeout=PATIENCE)
    assert done(me).startswith("2 of")

    me.sign_out()
    me.sign_in(person, "/workshop")
    assert done(me).startswith("2 of"), "another session goes on where the last one was"
