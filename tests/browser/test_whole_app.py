"""The app as a whole: every page of the navigation, wide and light, narrow, dark and Korean; and by keyboard alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.texts import LANGUAGES, catalogue
from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.looks import problems, shifts
from tests.support.people import Person

NAVIGATION = "[data-testid=stTopNavLink], [data-testid=stTopNavDropdownLink]"

POOR_SHIFT = 0.25
"""Cumulative Layout Shift from which a page counts as unsteady (web.dev/cls); up to 0.1 is good."""


def offered(me: Visitor) -> list[str]:
    """The paths of every page in the navigation."""
    me.page.set_viewport_size({"width": 1800, "height": 1000})
    me.page.locator(NAVIGATION).first.wait_for()
    links: list[str] = []
    for group in me.page.get_by_test_id("stTopNavSection").all():
        group.click()
        me.page.get_by_test_id("stTopNavDropdownLink").first.wait_for()
        links += [str(link.get_attribute("href")) for link in me.page.locator(NAVIGATION).all()]
        me.page.keyboard.press("Escape")
        me.page.get_by_test_id("stTopNavDropdownLink").first.wait_for(state="detached")
    return list(dict.fromkeys(urlsplit(link).path for link in links))


def foreign(page: Page, base: str) -> list[str]:
    """Addresses elsewhere that the page asks for from now on."""
    seen: list[str] = []
    inside = (base, "data:", "blob:", base.replace("http", "ws", 1))
    page.on("request", lambda request: None if request.url.startswith(inside) else seen.append(request.url))
    return seen


@pytest.mark.parametrize(("width", "scheme", "speech"), [(1400, "light", "en"), (420, "dark", "ko")])
def test_every_page_is_readable_steady_and_from_here_alone(
    browser: Browser, stack: Stack, person: Person, width: int, scheme: Literal["light", "dark"], speech: str
) -> None:
    context = browser.new_context(locale="en-US", color_scheme=scheme)
    me = Visitor(context, stack.url("app"))
    me.sign_in(person, "/")
    pages = offered(me)
    assert {"/", "/mcp-tools", "/watch", "/isolation", "/attack-lab", "/agents", "/vault-tokens"} <= set(pages)
    me.page.get_by_role("button", name=LANGUAGES[speech]).click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text(catalogue(speech)["home.title"], timeout=PATIENCE)
    elsewhere, errors = foreign(me.page, me.base), []
    me.page.on("pageerror", lambda error: errors.append(str(error)))
    me.page.set_viewport_size({"width": width, "height": 900})
    found: dict[str, list[str]] = {}
    for path in pages:
        me.open(path)
        if wrong := [*problems(me.page), *unsteady(me.page), *foreign_words(me, speech)]:
            found[path] = wrong
    assert not found
    assert not elsewhere
    assert not errors
    context.close()


def unsteady(page: Page) -> list[str]:
    """How much the page moved, if that was too much."""
    moved = shifts(page)
    return [f"moved by {moved:.2f}"] if moved > POOR_SHIFT else []


def foreign_words(me: Visitor, speech: str) -> list[str]:
    """Titles and leads that stand there in another language than the chosen one."""
    ours, others = set(catalogue(speech).values()), set()
    for code in LANGUAGES:
        others |= {text for key, text in catalogue(code).items() if key.endswith((".title", ".lead"))}
    return sorted((others - ours) & set(me.words().splitlines()))


def test_tools_are_loaded_and_a_step_is_opened_by_keyboard_alone(
    visitor: Callable[[], Visitor], person: Person
) -> None:
    me = visitor()
    me.sign_in(person)
    tab_to(me, me.page.get_by_role("checkbox", name="GitHub"))
    me.page.keyboard.press("Space")
    tab_to(me, me.page.get_by_role("button", name="Load Tools"))
    me.page.keyboard.press("Enter")
    me.page.locator("button.row").first.wait_for()
    me.settled()
    tab_to(me, me.page.locator("button.row").first)
    me.page.keyboard.press("Enter")
    expect(me.page.locator("button.row").first).to_have_attribute("aria-expanded", "true", timeout=PATIENCE)
    outline = me.page.evaluate(
        "() => { let at = document.activeElement; while (at.shadowRoot) at = at.shadowRoot.activeElement;"
        " return getComputedStyle(at).outlineStyle }"
    )
    assert outline != "none", "what has the focus is to be seen"


def tab_to(me: Visitor, wanted: Locator) -> None:
    """Press Tab until ``wanted`` has the focus."""
    for _ in range(60):
        if wanted.evaluate("(element) => element.getRootNode().activeElement === element"):
            return
        me.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {wanted}")


def test_the_trace_is_taken_away_as_har_and_a_request_as_curl(
    visitor: Callable[[], Visitor], browser: Browser, person: Person
) -> None:
    me = visitor()
    me.context.grant_permissions(["clipboard-read", "clipboard-write"])
    me.sign_in(person)
    me.load("GitHub")
    with me.page.expect_download() as coming:
        me.page.get_by_role("button", name="HAR", exact=True).click()
    har = coming.value.path()
    entries = json.loads(har.read_text())["log"]["entries"]
    read = next(entry for entry in entries if entry["request"]["method"] == "GET")
    # Another program's reader of HAR files answers from it, without any server.
    reading = browser.new_context()
    reading.route_from_har(har, not_found="abort")
    answer = reading.new_page().goto(read["request"]["url"])
    assert answer is not None
    assert answer.text() == read["response"]["content"]["text"]
    reading.close()

    me.message("4 · Exchange the token for Vault").click()
    panel = me.page.get_by_role("region", name="4 · Exchange the token for Vault")
    panel.get_by_role("button", name="Copy as curl").first.click()
    expect(panel.get_by_role("button", name="Copied")).to_be_visible(timeout=PATIENCE)
    command = shlex.split(me.page.evaluate("navigator.clipboard.readText()"))
    assert command[:2] == ["curl", "-sS"]
    assert any(part.endswith("/protocol/openid-connect/token") for part in command)
