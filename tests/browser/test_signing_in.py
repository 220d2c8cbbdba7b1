"""Signing in and out, in a real browser: what a session survives, what ends it, and where it cannot be led."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Browser, expect

from stack.testing import Stack
from tests.support.browser import COOKIE, PATIENCE, Visitor, another_app
from tests.support.login import end_at_keycloak
from tests.support.people import Person


def test_a_wrong_password_is_said_on_keycloaks_own_page(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.open("/")
    me.page.get_by_role("link", name="Sign in").click()
    me.fill_in(person.username, "wrong")
    me.sees("Invalid username or password")
    assert "/realms/mcp-demo/" in me.page.url
    assert me.session_cookie() == ""


def test_the_cookie_is_opaque_and_out_of_reach_of_scripts(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person)
    (cookie,) = [c for c in me.context.cookies() if c.get("name") == COOKIE]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert re.fullmatch(r"[\w-]{43}", cookie["value"])
    assert COOKIE not in me.page.evaluate("document.cookie")
    left_over = [c for c in me.context.cookies() if c.get("name", "").startswith("mcp_demo_login")]
    assert not left_over
    kept = me.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "eyJ" not in kept


def test_a_reload_keeps_the_session_and_so_does_another_process(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    me.sign_in(person)
    me.page.reload()
    me.sees(f"Signed in as {person.username}")
    with another_app(stack) as elsewhere:
        me.page.goto(f"{elsewhere}/mcp-tools")
        me.sees(f"Signed in as {person.username}")


def test_signing_out_ends_it_everywhere_and_the_old_cookie_opens_nothing(
    visitor: Callable[[], Visitor], person: Person, browser: Browser, stack: Stack
) -> None:
    me = visitor()
    me.sign_in(person)
    other_tab = me.context.new_page()
    other_tab.goto(f"{me.base}/mcp-tools")
    expect(other_tab.get_by_text(f"Signed in as {person.username}")).to_be_visible(timeout=PATIENCE)
    stolen = me.session_cookie()
    me.sign_out()
    assert me.page.url.startswith(me.base)
    assert me.session_cookie() == ""
    me.page.reload()
    me.page.get_by_role("link", name="Sign in").wait_for()

    other_tab.get_by_text("GitHub", exact=True).click()
    expect(other_tab.get_by_text("Your session has ended. Sign in again.")).to_be_visible(timeout=PATIENCE)

    thief = browser.new_context()
    thief.add_cookies([{"name": COOKIE, "value": stolen, "url": stack.url("app")}])
    page = thief.new_page()
    page.goto(f"{stack.url('app')}/mcp-tools")
    expect(page.get_by_text("Your session has ended. Sign in again.")).to_be_visible(timeout=PATIENCE)
    thief.close()

    me.page.get_by_role("link", name="Sign in").click()
    expect(me.page.get_by_label("Username")).to_be_visible(timeout=PATIENCE)


def test_a_session_that_keycloak_ends_is_over_here(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    me.sign_in(person)
    end_at_keycloak(stack, person)
    me.page.reload()
    me.sees("Your session has ended. Sign in again.")


def test_signing_in_leads_back_to_the_page(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person, "/mcp-tools")
    assert urllib.parse.urlsplit(me.page.url).path == "/mcp-tools"


@pytest.mark.parametrize(
    "wanted", ["//evil.example/x", "https://evil.example/x", "/\\evil.example", "/%2fevil.example"]
)
def test_signing_in_cannot_be_led_elsewhere(visitor: Callable[[], Visitor], person: Person, wanted: str) -> None:
    me = visitor()
    asked: list[str] = []
    me.page.on("request", lambda request: asked.append(request.url))
    me.page.goto(f"{me.base}/auth/login?next={urllib.parse.quote(wanted, safe='')}")
    me.fill_in(person.username, person.password)
    me.sees(f"Signed in as {person.username}")
    assert me.page.url == f"{me.base}/"
    assert not [url for url in asked if "evil.example" in urllib.parse.urlsplit(url).netloc]


def test_a_callback_that_this_browser_did_not_start_is_a_friendly_page(visitor: Callable[[], Visitor]) -> None:
    me = visitor()
    for query in ("code=abc&state=def", "error=%3Cscript%3E&state=x", ""):
        answer = me.page.goto(f"{me.base}/auth/callback?{query}")
        assert answer is not None
        assert answer.status == 400
        me.sees("The sign-in did not work")
        me.sees("was not started in this browser")
        assert "Traceback" not in me.words()
    assert me.session_cookie() == ""


def test_a_finished_sign_in_cannot_be_replayed(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    answers: list[str] = []
    me.page.on("request", lambda request: answers.append(request.url) if "/auth/callback" in request.url else None)
    me.sign_in(person)
    mine = me.session_cookie()
    me.page.goto(answers[0])
    assert urllib.parse.urlsplit(me.page.url).path == "/", "who is signed in needs no other sign-in"
    assert me.session_cookie() == mine, "and gets none"
    me.context.clear_cookies(name=COOKIE)
    answer = me.page.goto(answers[0])
    assert answer is not None
    assert answer.status == 400
    assert me.session_cookie() == ""


@pytest.mark.parametrize(
    "query", ["", "state=old&code=used", "state=old&error=temporarily_unavailable", "error=access_denied"]
)
def test_an_old_sign_in_leads_home_who_is_signed_in(visitor: Callable[[], Visitor], person: Person, query: str) -> None:
    me = visitor()
    me.sign_in(person)
    me.page.goto(f"{me.base}/auth/callback?{query}")
    me.sees(f"Signed in as {person.username}")
    assert urllib.parse.urlsplit(me.page.url).path == "/"


def test_back_and_a_second_tab_after_signing_in_lead_to_the_app(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.open("/mcp-tools")
    second = me.context.new_page()
    second.goto(f"{me.base}/auth/login?next=/audit")
    me.sign_in(person)
    me.page.go_back()
    me.page.reload()
    me.page.wait_for_url(f"{me.base}/**")
    me.sees(f"Signed in as {person.username}")
    second.reload()
    second.wait_for_url(f"{me.base}/**")
    expect(second.get_by_text(f"Signed in as {person.username}").first).to_be_visible(timeout=PATIENCE)
    me.page.goto(f"{me.base}/auth/login")
    me.sees(f"Signed in as {person.username}")


def test_a_sign_in_that_keycloak_asks_nothing_for_leaves_the_open_tabs_session_alone(
    visitor: Callable[[], Visitor], person: Person
) -> None:
    """A second tab's once replaced the cookie, and the first tab said that its session had ended."""
    me = visitor()
    me.sign_in(person)
    cookie = me.session_cookie()
    second = me.context.new_page()
    second.goto(f"{me.base}/auth/login?next=/audit")
    expect(second.get_by_text(f"Signed in as {person.username}").first).to_be_visible(timeout=PATIENCE)
    assert me.session_cookie() == cookie
    me.load("GitHub")

    second.goto(f"{me.base}/auth/login?next=/audit&fresh=1")
    second.locator("input[type=password]").fill(person.password)
    second.get_by_role("button", name="Sign In").click()
    second.wait_for_url(f"{me.base}/audit")
    assert me.session_cookie() != cookie, "a password given anew makes a session of its own"


@pytest.mark.parametrize(("zone", "named"), [("Asia/Seoul", "KST"), ("America/Sao_Paulo", "UTC-03")])
def test_times_are_the_browsers_own_with_their_zone(
    browser: Browser, stack: Stack, person: Person, zone: str, named: str
) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-US", timezone_id=zone)
    me = Visitor(context, stack.url("app"))
    me.sign_in(person, "/")
    me.open("/")
    now = me.page.evaluate("new Date().toLocaleTimeString('en-GB', {hour: '2-digit', minute: '2-digit'})")
    shown = re.findall(r"(\d\d):(\d\d):\d\d (\S+)", me.words())
    assert shown
    assert {name for *_, name in shown} == {named}
    minutes = [(int(h) * 60 + int(m) - int(now[:2]) * 60 - int(now[3:])) % 1440 for h, m, _ in shown]
    assert all(apart >= 1430 or apart == 0 for apart in minutes), (shown, now)
    context.close()


def test_no_page_asks_another_host_for_anything(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    asked: list[str] = []
    me.page.on("request", lambda request: asked.append(request.url))
    complaints: list[str] = []
    me.page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    me.sign_in(person)
    me.load("GitHub")
    hosts = {urllib.parse.urlsplit(url).hostname for url in asked if url.startswith("http")}
    assert hosts == {"localhost"}
    assert not [text for text in complaints if "Content Security Policy" in text]


def test_a_link_or_another_site_cannot_sign_anybody_out(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    me.sign_in(person)
    answer = me.page.goto(f"{me.base}/auth/logout")
    assert answer is not None
    assert answer.status == 405
    cookies = {COOKIE: me.session_cookie()}
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        refused = requests.post(
            f"{stack.url('app')}/auth/logout", cookies=cookies, headers=headers, timeout=10, allow_redirects=False
        )
        assert refused.status_code == 403
    me.open("/mcp-tools")
    me.sees(f"Signed in as {person.username}")


def test_the_language_is_chosen_on_the_page_and_remembered_by_the_browser(
    visitor: Callable[[], Visitor], person: Person
) -> None:
    me = visitor()
    me.sign_in(person, "/")
    me.page.get_by_role("button", name="한국어").click()
    me.sees("나를 대신해 일하는 원격 도구")
    expect(me.page.get_by_role("button", name="한국어")).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    assert me.page.evaluate("document.documentElement.lang") == "ko"
    me.open("/mcp-tools")
    me.sees(f"{person.username} 님으로 로그인됨")
    me.context.clear_cookies(name=COOKIE)
    me.page.goto(f"{me.base}/auth/callback")
    me.sees("로그인하지 못했습니다")
    assert "Sign" not in me.words()
