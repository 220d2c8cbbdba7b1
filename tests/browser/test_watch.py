"""Watch one call: two real calls, played by keys; and the landing page draws the parts as they are."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person


def big(page: Page, name: str) -> list[str]:
    """What stands large on one person's side."""
    return [
        text.strip() for text in page.get_by_role("region", name=name, exact=True).locator(".values").all_inner_texts()
    ]


def test_alice_and_bob_side_by_side_by_keys_alone(visitor: Callable[[], Visitor], stack: Stack, alice: Person) -> None:
    me = visitor()
    me.sign_in(alice, "/watch")
    page = me.page
    expect(page.get_by_role("heading", name="1 · Sign in")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Back")).to_be_disabled()
    seen = {}
    for number in range(1, 8):
        expect(page.get_by_text(f"Step {number} of 7")).to_be_visible()
        seen[number] = big(page, "alice"), big(page, "bob")
        assert page.locator(f".way.lit[data-step='{number}']").count() == 1
        page.keyboard.press("ArrowRight")
    hers, his = seen[2]
    assert "sub = " in hers[0]
    assert hers != his, "two people, two user ids"
    assert "entity = alice" in seen[5][0][0]
    assert "entity = bob" in seen[5][1][0]
    assert "secret/data/users/alice/jira" in seen[6][0][0]
    assert "HTTP 200" in seen[6][0][0]
    assert "secret/data/users/bob/jira" in seen[6][1][0]
    assert "HTTP 404" in seen[6][1][0]
    assert seen[7][1] == ["not reached"]
    expect(page.get_by_text("bob got no answer")).to_be_visible()
    expect(page.get_by_text("alice got the answer.")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.get_by_text("Step 1 of 7")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("Step 1 of 7")).to_be_visible()


def test_the_landing_page_explains_before_anybody_signs_in(visitor: Callable[[], Visitor]) -> None:
    me = visitor()
    me.open("/")
    page = me.page
    expect(page.locator("svg [data-part=vault]")).to_contain_text("Vault", timeout=PATIENCE)
    assert page.locator("svg [data-step]").count() == 7
    row = page.get_by_role("button", name="A token for Vault")
    row.focus()
    assert page.locator(".way.lit").get_attribute("data-step") == "4"
    expect(page.get_by_role("row", name="Token for Vault")).to_contain_text("after 1 minute")


def test_the_picture_shows_the_last_call(visitor: Callable[[], Visitor], alice: Person) -> None:
    me = visitor()
    me.sign_in(alice, "/watch")
    me.page.get_by_role("button", name="Next").wait_for(timeout=PATIENCE)
    me.page.get_by_role("link", name="Home").first.click()
    expect(me.page.get_by_text("are of your last call")).to_be_visible(timeout=PATIENCE)
    assert me.page.locator(".seven .chip").count() == 7
