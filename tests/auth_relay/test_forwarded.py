"""A link and its code, sent to somebody who is signed in: without password and consent nothing is handed over."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from requests.cookies import RequestsCookieJar

from fastmcp_vault.errors import LoginFailed
from fastmcp_vault.state import MemoryState
from services.auth_relay.clients import Clients
from services.auth_relay.relay import Relay
from services.auth_relay.store import Store
from stack.testing import Stack
from tests.auth_relay.chatting import Browser, Programs
from tests.auth_relay.test_crowd import wanted
from tests.auth_relay.test_errors import shown
from tests.auth_relay.test_wrong_client import relay_settings
from tests.mcp_servers.callers import app_client
from tests.support.login import SignInRefused, agree
from tests.support.odd_server import OddServer
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


def without_a_prompt(address: str) -> str:
    """The same request, with nothing that makes Keycloak ask a person who is signed in."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("prompt", "max_age", "claims")]
    return parts._replace(query=urlencode(kept)).geturl()


async def test_an_old_sign_in_is_refused_though_the_redirect_was_robbed_of_its_prompt(
    stack: Stack, odd: OddServer, person: Person, tmp_path: Path
) -> None:
    """The browser is the person's, or a page's that leads it: Keycloak is asked for less than the relay asked for."""
    cookies = RequestsCookieJar()
    async with app_client(stack) as app:
        request = app.login_request(redirect_uri=f"{stack.url('app')}/auth/callback")
        await asyncio.to_thread(agree, request.url, person.username, person.password, cookies=cookies)
    settings = relay_settings(stack, odd, tmp_path)
    a_minute_later = Relay(
        settings,
        Clients(settings),
        Store(settings.session_cache_dir),
        suspensions=MemoryState(),
        clock=lambda: time.time() + 60,
    )
    try:
        link = await a_minute_later.issue(wanted(odd))
        begun = await a_minute_later.begin(link.login_url.rpartition("/")[2], link.code)
        robbed = without_a_prompt(begun.url)
        arrived, _ = await asyncio.to_thread(
            agree, robbed, person.username, "no password is asked for", cookies=cookies
        )
        handed_over = len(odd.forms_seen)
        with pytest.raises(LoginFailed) as refused:
            await a_minute_later.finish(parameters(arrived), {begun.cookie: begun.value})
        assert refused.value.detail["reason"] == "not_fresh", (
            "the old sign-in is enough for Keycloak, not for the relay"
        )
        assert len(odd.forms_seen) == handed_over
    finally:
        await a_minute_later.close()


def test_the_page_says_whose_chat_it_will_be(programs: Programs) -> None:
    user = "mallory@chat.example\u202e <b>"
    page = Browser(programs).look(programs.link(chatbot_user_id=user)).text
    assert "<strong>mallory@chat.example\\u202e &lt;b&gt;</strong>" in page
    assert "it would be their chat that acts as you" in page
