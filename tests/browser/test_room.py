"""A room's people: made with cards, they do the exercises with a partner each, and nothing is left of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import yaml
from playwright.sync_api import expect
from psycopg import sql

from fastmcp_vault.vault.admin import VaultAdmin
from init.keycloak_admin import RealmAdmin
from init.settings import InitSettings
from stack.layout import ROOT
from stack.testing import Stack
from tests.browser.test_workshop import check, exercise
from tests.support.browser import PATIENCE, Visitor

STAYS = {"ended_sessions", "quota_windows", "quota_slots", "audit_trail"}
"""Ids of ended sessions, by which tokens stay refused; how much was called in a minute; the trail of what was done."""

pytestmark = pytest.mark.disturbs


class Room:
    """`./demo people` at the shared stack, and what it wrote."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.data = stack, stack.layout.data
        self.settings = InitSettings(**{k.lower(): v for k, v in stack.environment("init").items()})

    def run(self, *words: str, cwd: Path = ROOT) -> str:
        own = {"DEMO_STATE_DIR": str(self.stack.layout.state), "DEMO_CALLED_FROM": str(cwd)}
        command = [sys.executable, "-m", "stack", "people", *words]
        done = subprocess.run(command, check=False, cwd=ROOT, env=os.environ | own, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def entries(self) -> dict[str, dict[str, Any]]:
        found = yaml.safe_load((self.data / "room.yaml").read_text())["users"]
        return {entry["username"]: entry for entry in found}

    def jira_knows(self, entry: dict[str, Any]) -> bool:
        held = entry.get("entitlements", {}).get("jira") or entry["waiting"]["jira"]
        answer = requests.get(
            f"{self.stack.url('mock-jira')}/rest/api/3/myself", auth=(held["email"], held["api_token"]), timeout=10
        )
        return answer.status_code == 200


@pytest.fixture
def room(stack: Stack) -> Iterator[Room]:
    made = Room(stack)
    vault = VaultAdmin(made.settings.vault_addr, made.settings.vault_token)
    vault.write("secret/data/chatbot/a-folder-among-the-chats/chat", {"data": {"sub": "somebody"}})
    yield made
    made.run("remove", "--prefix", "desk")
    vault.delete("secret/metadata/chatbot/a-folder-among-the-chats/chat")
    vault.close()


def ids(room: Room, names: list[str]) -> list[str]:
    keycloak = RealmAdmin.of(room.settings)
    try:
        found = [keycloak.get("/mcp-demo/users", username=name, exact="true") for name in names]
        return [str(one[0]["id"]) for one in found if one]
    finally:
        keycloak.close()


def traces(room: Room, words: list[str]) -> list[str]:
    """Where any of these words stands, in Vault and in PostgreSQL."""
    vault = VaultAdmin(room.settings.vault_addr, room.settings.vault_token)

    def below(path: str) -> Iterator[str]:
        for key in vault.list(path)["keys"]:
            yield from below(f"{path}/{key[:-1]}") if key.endswith("/") else [f"{path}/{key}"]

    found = [*below("secret/metadata"), *below("sys/leases/lookup/database")]
    found += [f"entity {name}" for name in vault.list("identity/entity/name")["keys"]]
    found += [f"alias {one['name']}" for one in vault.list("identity/entity-alias/id").get("key_info", {}).values()]
    found += [f"role {name}" for name in vault.list("database/roles")["keys"]]
    found += [str(vault.read(path.replace("metadata", "data", 1))) for path in below("secret/metadata/chatbot")]
    vault.close()
    with psycopg.connect(room.settings.state_dsn.get_secret_value()) as state:
        tables = state.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        for (name,) in tables:
            rows = state.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(name))).fetchall()
            found += [f"table {name}: {row[0]}" for row in rows if name not in STAYS]
        found += [f"database user {row[0]}" for row in state.execute("SELECT rolname FROM pg_roles").fetchall()]
    return [place for place in found if any(word in place for word in words)]


def test_a_table_does_its_exercises_with_its_partner_and_leaves_no_trace(
    visitor: Callable[[], Visitor], room: Room, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("username,email,first_name\ndesk-01,ann@example.org,Ann\ndesk-02,,\n")
    said = room.run("add", "--csv", "people.csv", cwd=tmp_path)
    assert "Added 2: desk-01 to desk-02." in said
    entries = room.entries()
    cards = room.data / "room-cards.html"
    page = cards.read_text()
    assert cards.stat().st_mode & 0o777 == (room.data / "room.yaml").stat().st_mode & 0o777 == 0o600
    assert page.count("<svg") == 2
    for name in ("desk-01", "desk-01-bob", "desk-02", "desk-02-bob"):
        assert entries[name]["password"] in page
        assert entries[name]["password"] not in said

    me, entry = visitor(), entries["desk-01"]
    me.page.goto(f"{me.base}/auth/login?next=/workshop")
    me.fill_in("desk-01", entry["password"])
    me.page.locator("#password-new").fill("a password of my own")
    me.page.locator("#password-confirm").fill("a password of my own")
    me.page.get_by_role("button", name="Submit").click()
    expect(me.page.get_by_role("group", name="Signed in as desk-01").first).to_be_visible(timeout=PATIENCE)
    me.settled()
    exercise(me, "bob").get_by_label("Vault path").fill("secret/data/users/desk-01-bob/jira")
    check(me, "bob", "Vault let desk-01-bob in")
    exercise(me, "give")
    check(me, "give", "Vault still has nothing for desk-01-bob")
    press(me, "store", "You wrote it, and you cannot read it.")
    check(me, "give", "The call fetched PROJ-1, as desk-01-bob.")
    press(me, "store", "There is one already")
    press(me, "take-back", "no Jira token of desk-01-bob any more")
    press(me, "store", "You wrote it")

    listed = room.run("list")
    assert re.search(r"desk-01 .* has signed in", listed)
    assert re.search(r"desk-02 .* has not signed in", listed)
    mine, others = ([n for n in entries if n.startswith(desk)] for desk in ("desk-01", "desk-02"))
    subs = ids(room, mine)
    assert len(subs) == len(mine) == 3
    assert any("table workshop_progress" in place for place in traces(room, subs)), "there is something to find"
    assert room.jira_knows(entry)

    said = room.run("remove", "desk-01")
    assert "Removed 1, and their partners. 1 are left in the room." in said
    assert traces(room, ["desk-01", *subs]) == []
    assert ids(room, mine) == []
    assert len(ids(room, others)) == 3
    assert not room.jira_knows(entry)
    assert room.jira_knows(entries["desk-02-bob"])
    assert entry["password"] not in cards.read_text()
    me.page.goto(f"{me.base}/workshop")
    expect(me.page.get_by_role("link", name="Sign in").first).to_be_visible(timeout=PATIENCE)


def press(me: Visitor, act: str, then: str) -> None:
    me.page.locator(f".st-key-workshop-act-give-{act} button").click()
    me.sees(then)
    me.settled()
