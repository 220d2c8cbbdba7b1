"""The My secrets page in a browser: masked, revealed for ten seconds, a database user that counts down; two people."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import Locator, expect
from pydantic import SecretStr

from fastmcp_vault.vault.admin import VaultAdmin
from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person

KV = "my-vault-app-kv/data/app"
CLOCK = re.compile(r"^\d+:\d\d left$")


def counts_down(timer: Locator) -> None:
    """It shows a time, and another one soon."""
    expect(timer).to_have_text(CLOCK, timeout=PATIENCE)
    expect(timer).not_to_have_text(timer.inner_text(), timeout=PATIENCE)


def opens(stack: Stack, user: str, password: str) -> bool:
    """Whether PostgreSQL lets this user in."""
    try:
        psycopg.connect(
            host="localhost", port=stack.ports["postgres"], dbname="shop", user=user, password=password
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_secret_is_masked_until_it_is_revealed_and_hides_itself(
    visitor: Callable[[], Visitor], new_person: Callable[[], Person]
) -> None:
    me, other, person, another = visitor(), visitor(), new_person(), new_person()
    token, theirs = person.entitlements["jira"]["api_token"], another.entitlements["jira"]["api_token"]
    me.sign_in(person, "/my-secrets")
    me.sees(f"Vault takes you for {person.username}: 2 stored")
    me.sees(f"secret/data/users/{person.username}/jira")
    assert token not in me.page.content()
    jira = me.page.locator(".st-key-own-jira")
    jira.get_by_role("button", name="Reveal for 10 seconds").click()
    value = jira.get_by_text(token)
    expect(value).to_be_visible(timeout=PATIENCE)
    expect(jira.get_by_role("timer")).to_have_text(re.compile(r"^Hidden in \d+ s$"))
    other.sign_in(another, "/my-secrets")
    other.sees(f"Vault takes you for {another.username}")
    assert person.username not in other.words()
    assert token not in other.words()
    expect(value).to_have_count(0, timeout=15_000)
    expect(jira.get_by_role("button", name="Reveal for 10 seconds")).to_be_visible(timeout=PATIENCE)
    assert token not in me.page.content()
    assert theirs not in me.words()
    for one in (me, other):
        one.sign_out()


def test_a_database_user_is_made_counts_down_works_and_ends_when_it_is_revoked(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    me.page.clock.install()
    me.sign_in(person, "/my-secrets")
    me.page.get_by_role("button", name="Make a database user").click()
    card = me.page.locator(".st-key-own-database-user")
    counts_down(card.get_by_role("timer"))
    name = card.get_by_text(f"v-{person.username}-").first.inner_text()
    card.get_by_role("button", name="Reveal for 10 seconds").click()
    password = card.locator("dd").inner_text()
    assert opens(stack, name, password)
    me.settled()
    card.get_by_role("button", name="Try it").click()
    expect(card).to_contain_text(f"PostgreSQL answered {name}", timeout=PATIENCE)
    expect(card).to_contain_text("public.orders", timeout=PATIENCE)
    me.settled()
    card.get_by_role("button", name="Renew").click()
    me.sees("Its time began anew")
    me.settled()
    card.get_by_role("button", name="Revoke").click()
    me.sees("the user that it made is dropped")
    me.settled()
    assert not opens(stack, name, password)
    card.get_by_role("button", name="Try it").click()
    expect(card).to_contain_text("does not know", timeout=PATIENCE)
    expect(card.get_by_role("timer").filter(has_text="left")).to_have_count(0)
    me.settled()
    me.page.get_by_role("button", name="Make a database user").click()
    timer = card.get_by_role("timer").filter(has_text="left")
    counts_down(timer)
    me.page.clock.fast_forward(400_000)
    # In one look: a run of the page that the leap set off counts down anew, by the server's clock, which did not leap.
    told = card.get_by_role("timer").filter(has_text=re.compile("left|over"))
    expect(told).to_have_text(["its time is over"], timeout=PATIENCE)
    me.sign_out()
    logs = [path for path in stack.layout.state.rglob("*.log") if path.is_file()]
    assert {path.stem for path in logs} >= {"app", "audit", "postgres"}
    assert [path.name for path in logs if password.encode() in path.read_bytes()] == []


@pytest.mark.disturbs
def test_what_the_application_holds_counts_down_and_a_new_version_is_seen_without_its_value(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    me.sign_in(person, "/my-secrets")
    me.page.get_by_role("radio", name="An application's").click()
    me.sees("It holds all it needs: 3 secrets")
    for kind in ("token", "dynamic", "static"):
        counts_down(me.page.locator(f".st-key-application-{kind}").get_by_role("timer"))
    admin = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    found = admin.read(KV) or {}
    version, data = found["metadata"]["version"], found["data"]
    kv = me.page.locator(".st-key-application-kv")
    expect(kv).to_contain_text(f"version {version}:", timeout=PATIENCE)
    value = f"key-{uuid.uuid4().hex}"
    admin.write(KV, {"data": {"api_key": value}})
    expect(kv).to_contain_text(f"version {version + 1}:", timeout=PATIENCE)
    assert value not in me.words()
    assert not any(str(old) in me.words() for old in data.values())
    admin.write(KV, {"data": data})
    admin.close()
    me.sign_out()
