"""The two scenarios of the main job, in a real browser, through Keycloak's real page."""

from __future__ import annotations

import re
from collections.abc import Callable

import requests
from playwright.sync_api import expect

from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person

USER_ID = re.compile(r"User id\s+([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")


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

    (id_of_alice,), (id_of_bob,) = set(USER_ID.findall(of_alice)), set(USER_ID.findall(of_bob))
    assert id_of_alice != id_of_bob
    assert not re.search(r"eyJ[\w-]{10,}\.[\w-]{10,}|\bhvs\.\w{8,}|\bs\.\w{20,}", of_alice + of_bob)


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
        assert re.search(rf"^(done|reused), {number} · ", said, re.MULTILINE), f"step {number}"
    assert re.search(r"^done, 7 · Call the back end as this person, .*HTTP 200", said, re.MULTILINE)


def test_run_again_without_reuse_does_everything_anew(visitor: Callable[[], Visitor], person: Person) -> None:
    me = visitor()
    me.sign_in(person)
    me.load("GitHub")
    me.load("GitHub")
    assert any(said.startswith("reused, 3 · Get a token for this one server") for said in me.messages())
    me.press_for_trace(me.page.get_by_role("button", name="Run again without reuse"))
    said = "\n".join(me.messages())
    assert re.search(r"^done, 3 · Get a token for this one server", said, re.MULTILINE)
    assert not re.search(r"^reused, [3-6] · ", said, re.MULTILINE)


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
