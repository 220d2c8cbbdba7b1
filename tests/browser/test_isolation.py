"""The isolation page in a browser: bob's row, the proof behind a cell, and the whole grid for charlie alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from stack.layout import ROOT
from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor, another_app
from tests.support.people import Person


@pytest.fixture
def small_room(stack: Stack) -> Iterator[str]:
    """The app once more, for a demo of the README's three people; its address."""
    with another_app(stack, LAB_USERS_FILE=str(ROOT / "init" / "users.yaml")) as address:
        yield address


def test_bobs_row_opens_his_own_and_nothing_of_alices(
    visitor: Callable[[], Visitor], bob: Person, small_room: str
) -> None:
    me = visitor()
    me.sign_in(bob, "/")
    home, me.base = me.base, small_room
    me.open("/isolation")
    cells = me.page.locator("[data-cell]")
    expect(cells.first).to_be_disabled(timeout=PATIENCE)
    me.page.get_by_role("button", name="Try every cell").click()
    me.sees("Isolated: of 16 things that are somebody else's, none opened. Of people's own, 4 opened and 4 are empty.")
    me.settled()
    for name in (
        "bob → bob, GitHub path, own, opens",
        "bob → bob, Jira tools, own, empty",
        "bob → alice, GitHub path, somebody else's, shut",
    ):
        expect(me.page.get_by_role("button", name=name)).to_be_visible()
    assert me.page.locator("td .c-leak").count() == 0
    assert me.page.get_by_role("radio", name="Everybody").count() == 0

    me.page.locator("[data-cell='bob:bob:path-jira']").focus()
    me.page.keyboard.press("ArrowDown")
    me.page.keyboard.press("Enter")
    proof = me.page.locator(".proof")
    expect(proof).to_contain_text("Vault refused bob's token at what is alice's.", timeout=PATIENCE)
    expect(proof).to_contain_text("HTTP 403 · 1 error occurred: * permission denied")
    expect(me.page.locator("[data-cell='bob:alice:path-jira']")).to_be_focused()
    me.page.locator("[data-cell='bob:alice:tool-github']").click()
    expect(proof).to_contain_text("the GitHub server acted as bob.", timeout=PATIENCE)
    assert "cell=bob%3Aalice%3Atool-github" in me.page.url
    me.base = home
    me.open("/")
    me.sign_out()


def test_the_facilitator_sees_everybody_against_everybody(
    visitor: Callable[[], Visitor], everybody: dict[str, Person], new_person: Callable[[], Person]
) -> None:
    charlie, one, other = visitor(), new_person().username, new_person().username
    charlie.sign_in(everybody["charlie"], "/isolation")
    charlie.page.get_by_role("radio", name="Everybody").click()
    charlie.settled()
    people = charlie.page.get_by_role("combobox", name="People in the grid")
    people.click()
    # Somebody who signs in twice at once is refused by Keycloak: those whom other tests sign in are left out.
    for _ in charlie.page.locator(".sheet tbody tr").all():
        charlie.page.keyboard.press("Backspace")
    charlie.settled()
    for name in (one, other):
        people.fill(name)
        charlie.page.keyboard.press("Enter")
        charlie.settled()
    charlie.page.keyboard.press("Escape")
    expect(charlie.page.locator(".sheet tbody th")).to_have_text([one, other], timeout=PATIENCE)
    charlie.page.get_by_role("button", name="Try every cell").click()
    charlie.sees("Isolated: of 16 things")
    charlie.settled()
    charlie.page.get_by_role("button", name=f"{one} → {other}, somebody else's, shut, 8/8").click()
    expect(charlie.page.locator(".proof")).to_have_count(8, timeout=PATIENCE)
    expect(charlie.page.locator(".proof").first).to_contain_text(f"secret/data/users/{other}/jira")
    charlie.sign_out()
