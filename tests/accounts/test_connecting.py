"""Connecting an account, from the button to the tool: by the provider's own page, into the person's own path."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from stack.testing import Stack
from tests.accounts.at_the_app import Browser, query_of
from tests.accounts.at_the_provider import CALL, nearly_over
from tests.mcp_servers.callers import Vault, signed_in, steps


@pytest.mark.parametrize("server", ["jira", "github"])
async def test_a_tool_works_with_the_account_that_its_person_connected(
    server: str, browser: Browser, vault: Vault, stack: Stack
) -> None:
    tool, arguments = CALL[server]
    caller = await signed_in(stack, browser.person)
    refused = await caller.refusal(server, tool, arguments)
    assert refused["code"] == "credential_missing"
    assert refused["provider"] == server
    answer = browser.connect(server)
    assert answer.status_code == 303, answer.text
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/my-secrets?connected={server}")
    result = await caller.call(server, tool, arguments, traced=True, fresh=True)
    assert not result.is_error, result
    read = steps(result)["credential"]
    assert read["detail"]["vault_path"] == f"secret/data/users/{browser.person.username}/accounts/{server}"
    name = browser.person.email if server == "jira" else browser.person.username
    assert read["detail"]["account"] == name
    status = await caller.data(server, "credential_status")
    assert (status["present"], status["account"]) == (True, name)
    stored = vault.request("GET", f"secret/data/users/{browser.person.username}/accounts/{server}")["data"]["data"]
    assert {"access_token", "refresh_token", "grant"} == set(stored)
    for secret in (stored["access_token"], stored["refresh_token"]):
        assert secret not in str(result), "the trace has no token"


async def test_reading_is_asked_for_first_and_writing_when_a_tool_needs_it(browser: Browser, stack: Stack) -> None:
    begun = browser.begin("jira")
    scopes = query_of(begun.headers["Location"])["scope"].split()
    assert "read:jira-work" in scopes
    assert "write:jira-work" not in scopes
    browser.get(browser.consent(begun.headers["Location"]))
    caller = await signed_in(stack, browser.person)
    comment = {"issue_key": "PROJ-1", "body": "Hello"}
    refused = (await caller.call("jira", "add_comment", comment)).meta
    assert refused is not None
    assert refused["mcp-remote-vault/error"]["code"] in ("account_scope", "approval_needed")


def test_an_account_that_was_connected_for_writing_stays_so_when_it_is_connected_again(browser: Browser) -> None:
    browser.connect("jira", "next=/my-secrets&writing=1")
    asked = query_of(browser.begin("jira").headers["Location"])
    assert "write:jira-work" in asked["scope"].split()


def test_what_the_browser_is_sent_has_pkce_a_state_and_an_address_of_the_providers_own(browser: Browser) -> None:
    for server in ("jira", "github"):
        asked = query_of(browser.begin(server).headers["Location"])
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["state"]) >= 32
        assert asked["redirect_uri"] == f"{browser.app}/auth/connected/{server}"


def test_an_answer_is_taken_once_from_the_browser_and_the_person_that_began(
    new_browser: Callable[[], Browser],
) -> None:
    mine, theirs = new_browser(), new_browser()
    arrived = mine.consent(mine.begin("github").headers["Location"])
    assert theirs.get(arrived).status_code == 400, "another browser brings nothing to its end"
    assert mine.get(arrived).status_code == 303
    assert mine.get(arrived).status_code == 400, "once"


def test_an_answer_of_one_provider_is_not_taken_for_anothers(browser: Browser) -> None:
    arrived = browser.consent(browser.begin("github").headers["Location"])
    assert browser.get(arrived.replace("/connected/github", "/connected/jira")).status_code == 400


async def test_a_refresh_stands_in_the_trace_with_when_and_by_which_replica(
    browser: Browser, vault: Vault, stack: Stack
) -> None:
    browser.connect("jira")
    nearly_over(vault, browser, "jira")
    caller = await signed_in(stack, browser.person)
    result = await caller.call("jira", *CALL["jira"], traced=True, fresh=True)
    refreshed, read = (steps(result)[kind] for kind in ("account-refresh", "credential"))
    assert refreshed["status"] == "done"
    assert refreshed["detail"]["refreshed_by"] == read["detail"]["refreshed_by"]
    assert abs(read["detail"]["refreshed_at"] - time.time()) < 60


async def test_a_stored_credential_comes_before_a_connected_account_and_the_trace_says_which_one_was_used(
    browser: Browser, vault: Vault, stack: Stack
) -> None:
    browser.connect("jira")
    name, person = browser.person.username, browser.person
    vault.request("POST", f"secret/data/users/{name}/jira", {"data": person.entitlements["jira"]})
    caller = await signed_in(stack, person)

    async def used() -> tuple[str, str]:
        result = await caller.call("jira", *CALL["jira"], traced=True, fresh=True)
        assert not result.is_error, result
        detail = steps(result)["credential"]["detail"]
        return detail["vault_path"], detail.get("account", "")

    assert await used() == (f"secret/data/users/{name}/jira", "")
    vault.request("DELETE", f"secret/metadata/users/{name}/jira")
    assert await used() == (f"secret/data/users/{name}/accounts/jira", person.email)


def test_what_a_new_connection_replaces_is_destroyed(browser: Browser, vault: Vault) -> None:
    for _ in range(2):
        assert browser.connect("github").status_code == 303
    path = f"secret/metadata/users/{browser.person.username}/accounts/github"
    versions = vault.request("GET", path)["data"]["versions"]
    assert {number: one["destroyed"] for number, one in versions.items()} == {"1": True, "2": False}


def test_who_denies_it_comes_back_without(browser: Browser, vault: Vault) -> None:
    arrived = browser.consent(browser.begin("jira").headers["Location"], yes=False)
    assert browser.get(arrived).headers["Location"] == "/my-secrets?refused=jira"
