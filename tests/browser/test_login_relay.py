"""The Login relay page, in a real browser: a link from the chat, the sign-in in another tab."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

import segno
from playwright.sync_api import Page, expect

from stack.testing import Stack
from tests.auth_relay.chatting import Programs
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person
from tests.support.renaming import administrator, user_id


def press(me: Visitor, name: str, then: str) -> None:
    me.page.get_by_role("button", name=name).click()
    me.sees(then)
    me.settled()


def open_link(me: Visitor) -> Page:
    with me.context.expect_page() as opened:
        me.page.get_by_role("link", name="Open the link").click()
    opened.value.set_default_timeout(PATIENCE)
    return opened.value


def type_code(page: Page, code: str) -> None:
    page.get_by_label("Code that your chat shows").fill(code)
    page.get_by_role("button", name="Continue to sign in").click()


def steps(me: Visitor) -> list[str]:
    """The steps that are drawn, without the letters of those that share a number."""
    return [re.sub(r"^(\d+)[a-z]", r"\1", found.split(", ")[1]) for found in me.messages()]


def test_a_chatbot_gets_a_persons_sign_in_uses_it_and_loses_it(
    visitor: Callable[[], Visitor], new_person: Callable[[], Person], stack: Stack
) -> None:
    person, other = new_person(), new_person()
    with administrator(stack) as realm:
        for each in (person, other):
            Programs(stack).forget(user_id(realm, each.username))
    me, forwarded = visitor(), visitor()
    me.sign_in(person, "/login-relay")
    me.sees("Nobody is signed in for your chat yet")
    press(me, "Get a login link", "Your code")
    assert steps(me) == ["1 · Ask for a login link"]
    code = me.page.get_by_test_id("stMetricValue").inner_text()
    url = str(me.page.get_by_role("link", name="Open the link").get_attribute("href"))
    drawn = BytesIO()
    segno.make(url, error="l", micro=False).save(drawn, kind="png", scale=3, border=4)
    picture = str(me.page.locator(".st-key-relay-link img").get_attribute("src"))
    assert me.page.request.get(picture).body() == drawn.getvalue(), "the QR code holds the link"

    # Somebody who was sent the link has no code, and nothing comes of it.
    forwarded.page.goto(url)
    type_code(forwarded.page, "BBB-BBB")
    expect(forwarded.page.get_by_role("alert")).to_contain_text("not the code that the chat shows", timeout=PATIENCE)

    tab = open_link(me)
    expect(tab.get_by_role("heading")).to_have_text("Demo chatbot wants to act as you", timeout=PATIENCE)
    type_code(tab, code.lower())
    # Signed in at Keycloak already, and asked all the same: for the password, and whether the chatbot may.
    tab.locator("input[type=password]").fill(person.password)
    tab.get_by_role("button", name="Sign In").click()
    expect(tab.get_by_text("Offline Access")).to_be_visible(timeout=PATIENCE)
    tab.get_by_role("button", name="Yes").click()
    tab.wait_for_url(re.compile("/login-relay"), timeout=PATIENCE)
    # The first tab follows by itself.
    me.sees(f"The demo chatbot acts as {person.username} since")
    me.settled()
    seen = steps(me)
    assert seen[:4] == [
        "1 · Ask for a login link",
        "2 · Type the code that the chat shows",
        "2 · Type the code that the chat shows",
        "3 · Redeem the code for an offline token",
    ]
    assert "5 · Keep the offline token in Vault" in seen
    tab.close()

    press(me, "Send", "Greet people by name")
    assert steps(me)[-1] == "7 · Call the tool as this person"
    press(me, "Refresh now", "The chatbot has a new access token")
    me.sees("Kept in Vault, version 2")
    assert steps(me)[-1] == "6 · Refresh the access token"
    assert not re.search(r"eyJ[\w-]{10,}", me.words())

    press(me, "Revoke at Keycloak", "The offline session is over at Keycloak")
    me.sees(f"The demo chatbot acts as {person.username} since")
    press(me, "Refresh now", "The chatbot needs a new sign-in")
    assert any(re.match(r"failed, 6[a-z]? · Refresh the access token", found) for found in me.messages())
    expect(me.page.get_by_role("button", name="Send")).to_have_count(0)

    forwarded.sign_in(other, "/login-relay")
    forwarded.sees("Nobody is signed in for your chat yet")
    assert person.username not in forwarded.words()
