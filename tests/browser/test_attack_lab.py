"""The attack lab in a browser: really sent, guessed first, opened by keyboard and by address."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from app.lab.catalog import ATTACKS
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person


def test_everything_is_sent_and_each_row_tells_what_stopped_it(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person, "/attack-lab?attack=others-path")
    me.sees(f"The attacker is {person.username}")
    me.page.get_by_role("button", name="Send them all").click()
    me.sees(
        f"All {len(ATTACKS) - 1} attacks were blocked, and each by the layer that it was aimed at.", within=2 * PATIENCE
    )
    me.settled()
    rows = me.page.locator(".board button.row")
    expect(me.page.locator(".board button.row.b-blocked")).to_have_count(len(ATTACKS) - 1)
    expect(rows.filter(has_text="meant to get through")).to_have_count(1)
    expect(rows.filter(has_text="answered 200, and refused in it").first).to_be_visible()
    opened = me.page.get_by_role("region", name="Somebody else's path")
    expect(opened).to_contain_text("HTTP 403 · 1 error occurred: * permission denied")
    expect(opened).to_contain_text("Vault: policy")
    assert opened.locator(".part.lit").get_attribute("data-part") == "vault"
    opened.get_by_text("On the wire").click()
    expect(opened.get_by_role("heading", name="/v1/secret/data/users/")).to_be_visible()

    row = me.page.get_by_role("button", name="Verified locally")
    row.focus()
    me.page.keyboard.press("ArrowDown")
    me.page.keyboard.press("Enter")
    expect(me.page.get_by_role("region", name="Shown to Keycloak")).to_contain_text('{"active":false}')
    assert "attack=introspection" in me.page.url
    assert "Bearer eyJ" not in me.words()
    me.sign_out()


def test_the_audience_guesses_before_it_is_told(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person, "/attack-lab")
    me.page.get_by_role("checkbox", name="Guess first").check()
    me.page.get_by_role("button", name="A token for another server").click()
    opened = me.page.get_by_role("region", name="A token for another server")
    expect(opened).to_contain_text("Who stops it?")
    expect(opened).not_to_contain_text("audience")
    opened.get_by_role("button", name="Vault", exact=True).click()
    expect(opened).to_contain_text("✕ You said Vault.", timeout=PATIENCE)
    expect(opened).to_contain_text("MCP server: audience")
    expect(opened).to_contain_text("The token is not meant for mcp-jira alone.")
    me.page.get_by_role("button", name="Become the superuser").click()
    opened = me.page.get_by_role("region", name="Become the superuser")
    opened.get_by_role("button", name="PostgreSQL", exact=True).click()
    expect(opened).to_contain_text("✓ Right.", timeout=PATIENCE)
    expect(me.page.get_by_role("status").filter(has_text="Guessed right")).to_have_text("Guessed right: 1 of 2")
    me.sign_out()
