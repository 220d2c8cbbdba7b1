"""A link and its code, sent to somebody who is signed in: without password and consent nothing is handed over."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

import pytest
from requests.cookies import RequestsCookieJar

from tests.auth_relay.chatting import Browser, Programs
from tests.auth_relay.test_errors import shown
from tests.support.login import SignInRefused, agree
from tests.support.people import Person


def parameters(address: str) -> dict[str, str]:
    return {name: found[0] for name, found in parse_qs(urlsplit(address).query).items()}


def linked_before(programs: Programs, person: Person) -> RequestsCookieJar:
    """A browser that is signed in and has agreed once."""
    cookies, browser = RequestsCookieJar(), Browser(programs)
    arrived, asked = agree(browser.begin(programs.link()), person.username, person.password, cookies=cookies)
    assert browser.come_back(parameters(arrived)).status_code == 303
    for shown_to_them in ("Login relay for chatbots", "Offline Access", "Use the jira tools"):
        assert shown_to_them in asked
    return cookies


def test_who_is_signed_in_is_asked_for_the_password_and_for_consent_each_time(
    programs: Programs, person: Person
) -> None:
    cookies = linked_before(programs, person)
    with pytest.raises(SignInRefused, match="Invalid"):
        agree(Browser(programs).begin(programs.link()), person.username, "not-the-password", cookies=cookies)
    browser, user = Browser(programs), f"user-{secrets.token_hex(6)}"
    at_keycloak = browser.begin(programs.link(chatbot_user_id=user))
    arrived, asked = agree(at_keycloak, person.username, person.password, yes=False, cookies=cookies)
    assert "Offline Access" in asked, "asked again, though the answer was yes before"
    shown(browser.come_back(parameters(arrived)), 400, "login_failed")
    assert programs.shown(user)["status"] == "nobody"


def test_the_page_says_whose_chat_it_will_be(programs: Programs) -> None:
    user = "mallory@chat.example\u202e <b>"
    page = Browser(programs).look(programs.link(chatbot_user_id=user)).text
    assert "<strong>mallory@chat.example\\u202e &lt;b&gt;</strong>" in page
    assert "it would be their chat that acts as you" in page
