"""The two scenarios of the main job, in a real browser, through Keycloak's real page."""

from __future__ import annotations

import re
from collections.abc import Callable

import requests
from playwright.sync_api import expect

from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person

USER_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_isolation_alice_and_bob_see_their_own_and_nothing_of_each_other(
    visitor: Callable[[], Visitor], alice: Person, bob: Person
) -> None:
    first, second = visitor(), visitor()
    first.sign_in(alice)
    second.sign_in(bob)
    first.load("Jira", "GitHub", "PostgreSQL")
    second.load("Jira", "GitHub", "PostgreSQL")

    first.sees("3 of 3 servers act as alice.")
    of_alice = first.words()
    for mine in ("secret/data/users/alice/jira", "secret/data/users/alice/github", "database/creds/alice"):
        assert mine in of_alice
    assert "users/bob" not in of_alice
    assert "creds/bob" not in of_alice

    second.sees("2 of 3 servers act as bob.")
    of_bob = second.words()
    for mine in ("secret/data/users/bob/jira", "secret/data/users/bob/github", "database/creds/bob"):
        assert mine in of_bob
    assert "users/alice" not in of_bob
    assert "creds/alice" not in of_bob
    assert "Jira: no credential for bob" in of_bob
    failed = [said for said in second.messages() if said.startswith("failed")]
    assert [said.split(", ")[1] for said in failed] == ["6 · Read this person's credential"]

    assert id_on_every_card(first) != id_on_every_card(second)
    assert not re.search(r"eyJ[\w-]{10,}\.[\w-]{10,}|\bhvs\.\w{8,}|\bs\.\w{20,}", of_alice + of_bob)


def id_on_every_card(me: Visitor) -> str:
    """The person's id at Keycloak, which is the same on all three cards, one press away."""
    found = set()
    for server in ("jira", "github", "postgres"):
        me.page.locator(f".st-key-name-{server}-user button").click()
        shown = me.page.get_by_test_id("stPopoverBody").locator("code").first
        expect(shown).to_have_text(USER_ID, timeout=PATIENCE)
        found.add(shown.inner_text())
        me.page.keyboard.press("Escape")
        expect(me.page.get_by_test_id("stPopoverBody")).to_have_count(0, timeout=PATIENCE)
    (only,) = found
    return only


def test_a_stored_secret_and_a_user_made_on_demand_look_different(
    visitor: Callable[[], Visitor], person: Person
) -> None:
    me = visitor()
    me.sign_in(person)
    me.load("Jira", "PostgreSQL")
    stored, made = (me.page.locator(f".st-key-card-{server}") for server in ("jira", "postgres"))
    expect(stored).to_contain_text("stored secret", timeout=PATIENCE)
    expect(stored).to_contain_text(re.compile(r"stored in Vault: version 1, written "), timeout=PATIENCE)
    expect(made).to_contain_text("made on demand", timeout=PATIENCE)
    expect(made).to_contain_text(re.compile(rf"database user v-{person.username}-\w{{12}}-\d{{10}}"), timeout=PATIENCE)
    expect(made).to_contain_text(re.compile(r"made \d\d:\d\d:\d\d .*, dropped "), timeout=PATIENCE)
    expect(made.get_by_role("timer")).to_have_text(re.compile(r"\d+:\d\d left"), timeout=PATIENCE)


def test_get_issue_brings_the_issue_with_alices_credential(visitor: Callable[[], Visitor], alice: Person) -> None:
    me = visitor()
    me.sign_in(alice)
    me.load("Jira")
    tool = me.tool("jira", "get_issue")
    tool.get_by_role("textbox", name="issue_key").fill("PROJ-1")
    me.press_for_trace(tool.get_by_role("button", name="Execute"))

    me.sees("get_issue ran at Jira as alice.")
    expect(tool.get_by_text("PROJ-1", exact=True).first).to_be_visible(timeout=PATIENCE)
    said = "\n".join(me.messages())
    for number in range(1, 8):
        assert re.search(rf"^(done|reused), {number}[a-z]? · ", said, re.MULTILINE), f"step {number}"
    assert re.search(r"^done, 7 · Call the back end as this person, .*HTTP 200", said, re.MULTILINE)


def test_run_again_without_reuse_does_everything_anew(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person)
    me.load("GitHub")
    me.load("GitHub")
    assert any(said.startswith("reused, 3a · Get a token for this one server") for said in me.messages())
    me.press_for_trace(me.page.get_by_role("button", name="Run again without reuse"))
    said = "\n".join(me.messages())
    assert re.search(r"^done, 3a · Get a token for this one server", said, re.MULTILINE)
    assert not re.search(r"^reused, [1-6][a-z]? · ", said, re.MULTILINE)


def test_an_unknown_issue_and_bobs_missing_credential_are_sentences(
    visitor: Callable[[], Visitor], alice: Person, bob: Person
) -> None:
    for who, key, says in ((alice, "PROJ-9999", "PROJ-9999"), (bob, "PROJ-1", "secret/data/users/bob/jira")):
        me = visitor()
        me.sign_in(who)
        me.load("Jira")
        tool = me.tool("jira", "get_issue")
        tool.get_by_role("textbox", name="issue_key").fill(key)
        me.press_for_trace(tool.get_by_role("button", name="Execute"))
        me.sees("get_issue at Jira did not run")
        expect(tool.get_by_role("alert")).to_contain_text(says, timeout=PATIENCE)
        assert "Traceback" not in me.words()


def test_what_somebody_wrote_into_an_issue_is_no_link(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    held = person.entitlements["jira"]
    written = "see www.evil.example or https://evil.example/x or mail a@evil.example or [this](http://evil.example)"
    answer = requests.post(
        f"{stack.url('mock-jira')}/rest/api/2/issue",
        auth=(held["email"], held["api_token"]),
        json={"fields": {"project": {"key": "PROJ"}, "summary": written, "issuetype": {"name": "Task"}}},
        timeout=10,
    )
    me = visitor()
    me.sign_in(person)
    me.load("Jira")
    tool = me.tool("jira", "get_issue")
    tool.get_by_role("textbox", name="issue_key").fill(answer.json()["key"])
    me.press_for_trace(tool.get_by_role("button", name="Execute"))
    me.sees("www.evil.example")
    assert written in me.words()
    assert me.page.locator("a[href*='evil']").count() == 0
