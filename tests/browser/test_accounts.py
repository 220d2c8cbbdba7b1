"""Connecting an account in a browser: from the tool that lacks one and back to it, and its end on My secrets."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Locator, expect

from fastmcp_vault.oidc.standing import STALE_SECONDS
from stack.testing import Stack
from tests.accounts.test_from_a_client import token_of
from tests.mcp_servers.callers import Vault
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person


@pytest.fixture
def without_jira(stack: Stack, person: Person) -> Iterator[Person]:
    """Somebody for whom nothing is stored at Jira and nothing connected, as for bob; afterwards it is stored again."""
    vault, path = Vault(stack), f"users/{person.username}/jira"
    for held in (path, f"users/{person.username}/accounts/jira"):
        vault.request("DELETE", f"secret/metadata/{held}")
    yield person
    vault.request("POST", f"secret/metadata/{path}", {"custom_metadata": {"managed_by": "init"}})
    vault.request("POST", f"secret/data/{path}", {"data": person.entitlements["jira"]})
    vault.close()


def agree(me: Visitor, person: Person, button: str = "Sign in and allow") -> None:
    """At the mock provider's own page."""
    expect(me.page.get_by_role("heading", name="Atlassian (mock)")).to_be_visible(timeout=PATIENCE)
    assert "/auth/" not in me.page.url
    me.page.get_by_label("E-mail or user name").fill(person.email)
    me.page.get_by_label("Password").fill(person.password)
    me.page.get_by_role("button", name=button).click()


def asked_for(me: Visitor, issue: str) -> Locator:
    """The tool, executed without a credential."""
    tool = me.tool("jira", "get_issue")
    tool.get_by_role("textbox", name="issue_key").fill(issue)
    me.press_for_trace(tool.get_by_role("button", name="Execute"))
    me.sees("get_issue at Jira did not run")
    return tool


def test_from_the_tool_to_the_provider_and_back_with_what_was_typed_then_disconnected(
    visitor: Callable[[], Visitor], without_jira: Person
) -> None:
    me, person = visitor(), without_jira
    me.sign_in(person)
    me.load("Jira")
    asked_for(me, "PROJ-2").get_by_role("link", name="Connect Atlassian").click()
    agree(me, person)
    me.sees("Atlassian is connected: your tools work with the account that you signed in to there.")
    me.sees("1 of 1 servers act as")
    tool = me.page.locator(".st-key-tool-jira-get_issue")
    expect(tool.get_by_role("textbox", name="issue_key")).to_have_value("PROJ-2", timeout=PATIENCE)
    me.press_for_trace(tool.get_by_role("button", name="Execute"))
    me.sees(f"get_issue ran at Jira as {person.username}.")
    me.sees(f"an access token for the account {person.email}, which this person connected")
    me.sees("connected account")

    me.open("/my-secrets")
    box = me.page.locator(".st-key-account-jira")
    expect(box).to_contain_text("connected", timeout=PATIENCE)
    expect(box).to_contain_text(person.email)
    expect(box).to_contain_text("read:jira-work")
    box.get_by_role("link", name="Connect Atlassian again").click()
    agree(me, person)
    me.sees("Atlassian is connected: your tools work with the account that you signed in to there.")
    box.get_by_role("button", name="Disconnect").click()
    me.sees("Disconnected: Atlassian has ended it, and Vault has destroyed every version.")
    expect(box).to_contain_text("not connected", timeout=PATIENCE)


def test_from_a_servers_card_to_the_provider_and_back_with_the_servers_that_were_loaded(
    visitor: Callable[[], Visitor], without_jira: Person
) -> None:
    me, person = visitor(), without_jira
    me.sign_in(person)
    me.load("Jira", "GitHub")
    me.sees("1 of 2 servers act as")
    me.page.get_by_role("link", name="Connect Atlassian").click()
    expect(me.page.get_by_role("heading", name="Atlassian (mock)")).to_be_visible(timeout=PATIENCE)
    me.page.go_back()
    me.sees("1 of 2 servers act as")
    expect(me.page.locator(".st-key-card-jira")).to_contain_text("no credential", timeout=PATIENCE)
    me.page.get_by_role("link", name="Connect Atlassian").click()
    agree(me, person)
    me.sees("2 of 2 servers act as")
    expect(me.tool("jira", "get_issue")).to_be_visible(timeout=PATIENCE)


def test_a_card_says_no_more_that_a_credential_is_there_once_a_call_found_none(
    visitor: Callable[[], Visitor], stack: Stack, without_jira: Person
) -> None:
    me, person, vault = visitor(), without_jira, Vault(stack)
    vault.request("POST", f"secret/data/users/{person.username}/jira", {"data": person.entitlements["jira"]})
    me.sign_in(person)
    me.load("Jira")
    me.sees("1 of 1 servers act as")
    vault.request("DELETE", f"secret/metadata/users/{person.username}/jira")
    vault.close()
    tool = me.tool("jira", "get_issue")
    tool.get_by_role("textbox", name="issue_key").fill("PROJ-2")
    card, over = me.page.locator(".st-key-card-jira"), time.monotonic() + 4 * STALE_SECONDS
    while "no credential" not in card.inner_text() and time.monotonic() < over:
        me.press_for_trace(tool.get_by_role("button", name="Execute"))
    expect(card).to_contain_text("no credential", timeout=PATIENCE)
    me.sees("0 of 1 servers act as")
    me.sees("get_issue at Jira did not run")


def test_who_denies_it_is_told_that_nothing_was_connected(visitor: Callable[[], Visitor], without_jira: Person) -> None:
    me, person = visitor(), without_jira
    me.sign_in(person, "/my-secrets")
    me.page.locator(".st-key-account-jira").get_by_role("link", name="Connect Atlassian").click()
    agree(me, person, "Deny")
    me.sees("You denied it at Atlassian: nothing was connected.")


def test_the_page_of_a_link_says_who_asks_for_what_before_its_person_agrees(
    visitor: Callable[[], Visitor], stack: Stack, without_jira: Person
) -> None:
    me, person = visitor(), without_jira
    me.sign_in(person, link_of_a_call(stack, person))
    for fact in ("MCP server Jira", "Tool get_issue", "Asked by lab-jira", "may read:jira-work read:me offline_access"):
        expect(me.page.get_by_role("row", name=fact)).to_be_visible(timeout=PATIENCE)
    me.page.get_by_role("link", name="Connect Atlassian").click()
    agree(me, person)
    me.sees(f"Atlassian is connected for {person.username}. Go back to your program")


def link_of_a_call(stack: Stack, person: Person) -> str:
    """Where a call of some other program's leads, as a path of the app."""
    call = {"name": "get_issue", "arguments": {"issue_key": "PROJ-1"}}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-06-18",
        "Authorization": f"Bearer {token_of(stack, person)}",
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer = requests.post(f"{stack.url('mcp-jira')}/mcp", headers=headers, json=body, timeout=30)
    found = re.search(r"/connect-account\?id=[\w-]+", answer.text)
    assert found, answer.text
    return found[0]


def test_a_link_that_is_nobodys_is_a_sentence_in_both_languages(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person, "/connect-account")
    me.sees("A link from a tool leads here.")
    me.open("/connect-account?id=made-up")
    me.sees("This link cannot be used: it is another person's, was used already, or is too old.")
    me.open("/connect-account?id=made-up&lang=ko")
    me.sees("이 링크는 쓸 수 없습니다.")
