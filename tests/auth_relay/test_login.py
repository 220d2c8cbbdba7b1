"""A person links a chat to themselves, and the chatbot acts as them: the whole way, against the real servers."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.auth_relay.chatting import Browser, Programs
from tests.support.login import fill_in
from tests.support.people import Person


@pytest.fixture
def user() -> str:
    return f"user-{secrets.token_hex(6)}"


def test_alices_chat_gets_alices_issue_and_bobs_gets_none(programs: Programs, alice: Person, bob: Person) -> None:
    for_alice, for_bob = f"alice-{secrets.token_hex(4)}", f"bob-{secrets.token_hex(4)}"
    chat = programs.linked(alice, for_alice)
    assert (chat["status"], chat["person"]["username"]) == ("linked", "alice")
    issue = programs.chat(for_alice, "/issue", issue_key="PROJ-1").json()["issue"]
    assert issue["key"] == "PROJ-1"

    assert programs.linked(bob, for_bob)["person"]["username"] == "bob"
    refused = programs.chat(for_bob, "/issue", issue_key="PROJ-1")
    assert refused.status_code == 409
    assert "secret/data/users/bob/jira" in refused.json()["what"]


def test_the_sign_in_asks_keycloak_for_what_the_contract_says(programs: Programs) -> None:
    query = parse_qs(urlsplit(Browser(programs).begin(programs.link())).query)
    assert query["scope"] == ["openid offline_access mcp:jira"]
    assert query["prompt"] == ["login consent"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{programs.relay}/oidc/callback"]
    assert query["client_id"] == ["chatbot-relay"]
    assert min(len(query[name][0]) for name in ("state", "nonce", "code_challenge")) >= 43


def test_the_steps_arrive_one_after_the_other_and_hold_no_secret(programs: Programs, person: Person, user: str) -> None:
    link = programs.chat(user, "/link").json()["link"]
    assert [step["kind"] for step in programs.shown(user)["steps"]] == ["relay-link"]
    browser = Browser(programs)
    at_keycloak = browser.begin(link)
    half = programs.shown(user)
    assert half["login"]["status"] == "code_accepted"
    assert [step["kind"] for step in half["steps"]] == ["relay-link", "relay-code"]
    assert browser.come_back(fill_in(at_keycloak, person.username, person.password)).status_code == 303
    whole = programs.shown(user)
    assert whole["login"]["status"] == "linked"
    kinds = {step["kind"] for step in whole["steps"]}
    assert kinds == {"relay-link", "relay-code", "relay-redeem", "relay-callback", "chat-verify", "chat-store"}
    assert all(step["status"] == "done" for step in whole["steps"])
    text = json.dumps(whole)
    assert not re.search(r"eyJ[\w-]{5,}\.[\w-]{5,}", text)
    assert link["code"] not in text


def test_what_the_chatbot_shows_is_masked_and_only_the_messenger_may_ask(
    programs: Programs, person: Person, user: str
) -> None:
    person_shown = programs.linked(person, user)["person"]
    assert len(person_shown["offline_refresh_token"]) == 9
    assert person_shown["vault_path"].startswith("secret/data/chatbot/")
    url = f"{programs.stack.url('mock-chatbot')}/chats/{user}"
    assert requests.get(url, timeout=30).status_code == 401
    assert requests.get(url, headers={"Authorization": "Bearer wrong"}, timeout=30).status_code == 401


def test_a_rotated_token_replaces_the_old_one_and_a_revoked_session_asks_for_a_new_login(
    programs: Programs, person: Person, user: str
) -> None:
    first = programs.linked(person, user)["person"]
    second = programs.chat(user, "/refresh").json()["person"]
    assert second["vault_version"] == first["vault_version"] + 1
    assert second["offline_refresh_token"] != first["offline_refresh_token"]
    assert second["refreshed_at"] > first["refreshed_at"]

    assert programs.chat(user, "/revoke").status_code == 200
    assert programs.shown(user)["status"] == "linked"
    over = programs.chat(user, "/refresh")
    assert (over.status_code, over.json()["error"]) == (409, "new_login_needed")
    after = programs.shown(user)
    assert (after["status"], after["person"]) == ("ended", None)
    assert "Offline" in after["ended"]
    assert programs.chat(user, "/issue", issue_key="PROJ-1").json()["error"] == "new_login_needed"

    assert programs.linked(person, user)["status"] == "linked"


def test_signing_in_as_somebody_else_replaces_who_the_chat_acts_as(
    programs: Programs, new_person: Callable[[], Person], user: str
) -> None:
    one, two = new_person(), new_person()
    assert programs.linked(one, user)["person"]["username"] == one.username
    assert programs.linked(two, user)["person"]["username"] == two.username
    assert programs.chat(user, "/issue", issue_key="PROJ-1").status_code == 200
