"""The Vault tokens page, in a real browser: made, seen once, used, looked up, renewed, revoked."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
from playwright.sync_api import expect

from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person


def _status(stack: Stack, token: str) -> int:
    url = f"{stack.url('token-api')}/api/data"
    return httpx2.get(url, headers={"Token-Header": token}, timeout=30, trust_env=False).status_code


def test_a_person_makes_a_token_sees_it_once_and_ends_it(
    visitor: Callable[[], Visitor], new_person: Callable[[], Person], stack: Stack
) -> None:
    alice, other = visitor(), visitor()
    alice.sign_in(new_person(), path="/vault-tokens")
    page = alice.page
    alice.sees("None. One that you make appears here")
    page.get_by_role("button", name="Make token").click()
    alice.sees("Give the token a name")
    page.get_by_label("Token name").fill("nightly report")
    page.get_by_role("button", name="Make token").click()
    token = page.get_by_test_id("stCode").first.inner_text().strip()
    assert _status(stack, token) == 200
    alice.sees("Renew")
    timer = page.get_by_role("timer").first
    expect(timer).to_contain_text("59:", timeout=PATIENCE)
    before = timer.inner_text()
    expect(timer).not_to_have_text(before, timeout=PATIENCE)

    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Look up").click()
    alice.sees("token-nightly-report")
    assert token not in alice.words(), "shown once"

    page.get_by_role("button", name="Renew").click()
    alice.sees("The hour of nightly report began anew")
    other.sign_in(new_person(), path="/vault-tokens")
    other.sees("None. One that you make appears here")
    page.get_by_role("button", name="Revoke").click()
    alice.sees("nightly report is revoked")
    alice.sees("None. One that you make appears here")
    assert _status(stack, token) == 403


def test_the_api_s_own_page_makes_a_token_without_a_network_beside_it(
    visitor: Callable[[], Visitor], stack: Stack
) -> None:
    page = visitor().page
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(stack.url("token-api"))
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_role("alert")).to_have_text("Give the token a name.", timeout=PATIENCE)
    page.get_by_label("Token name").fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Make token").click()
    token = page.locator("#token")
    expect(token).to_be_visible(timeout=PATIENCE)
    assert _status(stack, token.inner_text()) == 200
    page.get_by_role("button", name="Copy token").click()
    expect(page.locator("#copied")).not_to_be_empty(timeout=PATIENCE)
    assert {url for url in asked if not url.startswith((stack.url("token-api"), "data:"))} == set()
    assert [line for line in said if "Content Security Policy" in line] == []
