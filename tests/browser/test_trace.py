"""The trace in a real browser: messages open by mouse and keyboard, links lead to steps, times run, nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person

SECRET = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}|\bhvs\.\w{8,}|\bs\.\w{20,}|gh[pousr]_\w{10,}")


def test_a_message_opens_its_step_with_both_sides_and_the_address_leads_back_to_it(
    visitor: Callable[[], Visitor], person: Person
) -> None:
    me = visitor()
    me.sign_in(person)
    me.load("GitHub")
    quiet = requests_of(me.page)
    exchange = me.message("4 · Exchange the token for Vault")
    expect(exchange).to_have_attribute("aria-expanded", "false", timeout=PATIENCE)
    exchange.click()
    expect(exchange).to_have_attribute("aria-expanded", "true", timeout=PATIENCE)
    panel = me.page.get_by_role("region", name="4 · Exchange the token for Vault")
    expect(panel).to_contain_text("urn:ietf:params:oauth:grant-type:token-exchange", timeout=PATIENCE)
    expect(panel.get_by_role("link", name="RFC 8693 §2.1")).to_have_attribute(
        "href", "https://www.rfc-editor.org/rfc/rfc8693#section-2.1", timeout=PATIENCE
    )
    for words in ("Request", "Response", "Copy as curl", "audience=vault", "issued_token_type"):
        expect(panel).to_contain_text(words, timeout=PATIENCE)
    assert not SECRET.search(me.words())
    assert not quiet, "opening a step fetches nothing"

    assert me.page.url.endswith("?step=token-exchange&server=github")
    me.open("/mcp-tools?step=token-exchange&server=github")
    me.sees("4 · Exchange the token for Vault")
    me.sees("Load tools, and this step opens with what really happened in it.")
    me.load("Jira", "GitHub")
    expect(me.message("4 · Exchange the token for Vault, GitHub")).to_have_attribute("aria-expanded", "true")


def test_the_trace_is_walked_by_keyboard_and_shown_in_three_ways(
    visitor: Callable[[], Visitor], person: Person
) -> None:
    me = visitor()
    me.sign_in(person)
    me.load("Jira", "PostgreSQL")
    rows = me.page.locator("button.row")
    rows.first.focus()
    me.page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused(timeout=PATIENCE)
    me.page.keyboard.press("End")
    expect(rows.last).to_be_focused(timeout=PATIENCE)
    me.page.keyboard.press("Enter")
    expect(rows.last).to_have_attribute("aria-expanded", "true", timeout=PATIENCE)

    me.page.get_by_role("button", name="PostgreSQL ✓").click()
    assert any("PostgreSQL MCP server → Vault" in said for said in me.messages())
    assert not any("Jira" in said for said in me.messages())
    me.page.get_by_role("button", name="All", exact=True).click()
    assert any("Jira MCP server → Vault" in said for said in me.messages())

    me.page.get_by_role("button", name="Waterfall").click()
    bars = me.messages()
    assert len(bars) == len(set(bars))
    assert any(re.match(r"done, 5a · Log in to Vault.*, Jira, \d+ ms", said) for said in bars)

    me.page.get_by_role("button", name="Tokens").click()
    table = me.page.get_by_role("region", name="Tokens: For the Jira MCP server")
    audience = table.get_by_role("row", name="aud").first
    assert [cell.strip().split("\n")[0] for cell in audience.get_by_role("cell").all_inner_texts()] == [
        "—",
        "mcp-jira",
        "vault",
    ]
    timer = table.get_by_role("timer").first
    before = timer.inner_text()
    assert re.fullmatch(r"good for \d:\d\d", before)
    expect(timer).not_to_have_text(before, timeout=PATIENCE)


def test_the_raw_view_shows_the_step_as_recorded(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person)
    me.load("GitHub")
    me.page.get_by_role("button", name="Raw", exact=True).click()
    me.message("5a · Log in to Vault as this person").click()
    panel = me.page.get_by_role("region", name="5a · Log in to Vault as this person")
    expect(panel).to_contain_text('"kind": "vault-login"', timeout=PATIENCE)
    assert not SECRET.search(me.words())


def test_a_narrow_window_holds_the_whole_trace(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.page.set_viewport_size({"width": 420, "height": 900})
    me.sign_in(person)
    me.load("GitHub")
    for view in ("Sequence", "Waterfall", "Tokens"):
        me.page.get_by_role("button", name=view).click()
        assert me.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 420


def requests_of(page: Page) -> list[str]:
    """Addresses that the page asks for from now on."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    return seen


def test_two_people_who_both_share_see_their_traces_side_by_side_and_nobody_else_does(
    visitor: Callable[[], Visitor], alice: Person, bob: Person
) -> None:
    first, second = visitor(), visitor()
    for me, who in ((first, alice), (second, bob)):
        me.sign_in(who)
        me.load("Jira")
        expect(me.page.get_by_role("switch", name="Share with the room")).not_to_be_checked(timeout=PATIENCE)
    first.page.get_by_text("Share with the room").click()
    first.sees("Nobody else shares this call yet")
    assert "bob" not in first.words()

    second.page.get_by_text("Share with the room").click()
    first.page.get_by_text("Nobody else shares").wait_for(state="detached")
    first.page.get_by_role("radio", name="bob", exact=True).click()
    beside = first.page.locator(".st-key-comparison")
    expect(beside).to_contain_text("secret/data/users/bob/jira", timeout=PATIENCE)
    expect(beside).to_contain_text("secret/data/users/alice/jira", timeout=PATIENCE)
    expect(beside).to_contain_text("failed — bob has no Jira credential", timeout=PATIENCE)
    expect(beside).to_contain_text("≠", timeout=PATIENCE)

    second.sign_out()
    first.sees("Nobody else shares this call yet")
    expect(beside).to_have_count(0, timeout=PATIENCE)
    assert "users/bob" not in first.words()
