"""Provisioning brings real servers to what the users file says, again and again, and keeps what people changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from pydantic import SecretStr

from fastmcp_vault.errors import InputError, VaultError
from fastmcp_vault.vault.admin import VaultAdmin
from init.keycloak_admin import RealmAdmin
from init.ledger import Ledger, LedgerEntry, LedgerOutcome
from init.run import run
from init.settings import InitSettings
from stack.layout import ROOT
from stack.testing import INFRASTRUCTURE, Stack, running
from tests.support.renaming import renamed

PEOPLE = yaml.safe_load((ROOT / "init" / "users.yaml").read_text())


class Site:
    """Infrastructure of this module's own, with a users file that its tests rewrite."""

    def __init__(self, stack: Stack, users_file: Path) -> None:
        self.stack = stack
        self.users_file = users_file
        fields = {name.lower(): value for name, value in stack.environment("init").items()}
        self.settings = InitSettings(**{**fields, "users_file": users_file})
        self.vault = VaultAdmin(self.settings.vault_addr, self.settings.vault_token)

    def write(self, document: Any) -> None:
        self.users_file.write_text(yaml.safe_dump(document))

    def run(self, document: Any = None, *, dry_run: bool = False) -> Ledger:
        self.write(PEOPLE if document is None else document)
        return run(self.settings, dry_run=dry_run)

    def superuser(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="localhost",
            port=self.settings.postgres_port,
            dbname="shop",
            user="postgres",
            password=self.settings.postgres_admin_password.get_secret_value(),
            autocommit=True,
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    users_file = tmp_path_factory.mktemp("site") / "users.yaml"
    users_file.write_text(yaml.safe_dump(PEOPLE))
    with running(only=INFRASTRUCTURE, users_file=users_file) as stack:
        found = Site(stack, users_file)
        plan = found.run(dry_run=True)
        assert plan.counts()[LedgerOutcome.CREATED] > 30, "a plan names what is missing"
        assert found.vault.list("identity/entity/name")["keys"] == [], "a plan writes nothing"
        found.run()
        yield found
        found.vault.close()


@pytest.fixture(autouse=True)
def _as_found(site: Site) -> Iterator[None]:
    yield
    site.run()


def moved(ledger: Ledger) -> list[LedgerEntry]:
    return [entry for entry in ledger.entries if entry.outcome is not LedgerOutcome.UNCHANGED]


def without(username: str, entitlement: str | None = None) -> Any:
    document = json.loads(json.dumps(PEOPLE))
    if entitlement is None:
        document["users"] = [user for user in document["users"] if user["username"] != username]
    else:
        for user in document["users"]:
            if user["username"] == username:
                del user["entitlements"][entitlement]
    return document


def test_running_again_changes_nothing_and_says_so(site: Site) -> None:
    again = site.run()
    assert moved(again) == []
    assert len(again.entries) > 60
    assert {entry.part for entry in again.entries} == {"keycloak", "postgresql", "vault"}


def test_everyone_has_an_entity_known_by_their_keycloak_id(site: Site) -> None:
    entities = site.vault.list("identity/entity/id")["key_info"]
    people = {info["name"]: info for info in entities.values() if info["name"] != "my-vault-app"}
    assert people.keys() == {"alice", "bob", "charlie"}
    assert all(len(info["aliases"]) == 1 and len(info["aliases"][0]["name"]) == 36 for info in people.values())


def test_an_entitlement_taken_out_is_taken_out_of_vault_and_put_back_again(site: Site) -> None:
    removed = moved(site.run(without("alice", "jira")))
    assert [(e.kind, e.name, e.outcome) for e in removed] == [
        ("credential", "secret/data/users/alice/jira", LedgerOutcome.REMOVED)
    ]
    assert site.vault.read("secret/data/users/alice/jira") is None
    assert [e.outcome for e in moved(site.run())] == [LedgerOutcome.CREATED]
    assert site.vault.read("secret/data/users/alice/jira") is not None


def test_a_postgres_entitlement_taken_out_ends_the_database_users_it_made(site: Site) -> None:
    made = site.vault.read("database/creds/alice")
    assert made
    with site.superuser() as admin:
        there = "SELECT count(*) FROM pg_roles WHERE rolname = %s"
        assert admin.execute(there, [made["username"]]).fetchone() == (1,)
        site.run(without("alice", "postgres"))
        assert admin.execute(there, [made["username"]]).fetchone() == (0,)


def test_a_person_taken_out_is_gone_everywhere(site: Site) -> None:
    gone = {(entry.part, entry.kind) for entry in moved(site.run(without("bob")))}
    assert {("keycloak", "user"), ("vault", "entity"), ("vault", "credential"), ("vault", "database role")} <= gone
    assert "bob" not in site.vault.list("identity/entity/name")["keys"]
    assert site.vault.read("secret/data/users/bob/github") is None


def test_what_people_changed_since_is_kept(site: Site) -> None:
    site.vault.write("secret/data/users/alice/github", {"data": {"login": "alice", "token": "alices-new-token"}})
    site.vault.write("identity/entity/name/bob", {"disabled": True})
    site.vault.write("secret/data/users/alice/notes", {"data": {"own": "thing"}})
    site.vault.write("identity/entity", {"name": "dora"})
    try:
        assert moved(site.run()) == []
        kept = site.vault.read("secret/data/users/alice/github")
        assert kept
        assert kept["data"]["token"] == "alices-new-token"
        assert (site.vault.read("identity/entity/name/bob") or {})["disabled"] is True
        site.run(without("alice"))
        assert site.vault.read("secret/data/users/alice/notes"), "only what init marked as its own is removed"
        assert "dora" in site.vault.list("identity/entity/name")["keys"]
    finally:
        site.vault.write("identity/entity/name/bob", {"disabled": False})
        site.vault.delete("identity/entity/name/dora")
        site.vault.delete("secret/metadata/users/alice/notes")


def test_a_half_done_run_is_finished_by_the_next(site: Site) -> None:
    site.vault.delete("identity/entity/name/alice")
    site.vault.delete("secret/metadata/users/bob/github")
    site.vault.write("secret/metadata/users/bob/github", {"custom_metadata": {"managed_by": "init"}})
    site.vault.delete("database/roles/alice")
    site.vault.delete("sys/policies/acl/mcp-jira")
    site.vault.delete("auth/jwt/role/person")
    with site.superuser() as admin:
        admin.execute("REVOKE SELECT ON products FROM shop_read")
        admin.execute("ALTER ROLE vault_admin PASSWORD 'something-else'")
    finished = {(entry.kind, entry.name.rpartition("/")[2]) for entry in moved(site.run())}
    assert finished == {
        ("entity", "alice"),
        ("credential", "github"),
        ("database role", "alice"),
        ("policy", "mcp-jira"),
        ("login role", "person"),
        ("rights", "shop_read"),
        ("database connection", "shop"),
    }
    assert site.vault.read("database/creds/alice"), "Vault reaches the shop again"
    assert moved(site.run()) == []


def test_an_alias_that_vault_made_for_an_unknown_caller_moves_to_the_person(site: Site) -> None:
    entities = site.vault.list("identity/entity/id")["key_info"]
    alice, info = next((i, e) for i, e in entities.items() if e["name"] == "alice")
    alias = info["aliases"][0]
    site.vault.delete(f"identity/entity/id/{alice}")
    stray = site.vault.write("identity/entity", {"name": "entity_stray"})["id"]
    site.vault.write(
        "identity/entity-alias",
        {"name": alias["name"], "canonical_id": stray, "mount_accessor": alias["mount_accessor"]},
    )
    site.run()
    after = site.vault.list("identity/entity/id")["key_info"]
    owner = next(e["name"] for e in after.values() if any(a["name"] == alias["name"] for a in e.get("aliases") or []))
    assert owner == "alice"
    site.vault.delete(f"identity/entity/id/{stray}")


@pytest.fixture
def realm(site: Site) -> Iterator[RealmAdmin]:
    admin = RealmAdmin(
        site.settings.keycloak_url,
        username=site.settings.keycloak_admin,
        password=site.settings.keycloak_admin_password,
    )
    admin.log_in()
    yield admin
    admin.close()


def accounts(realm: RealmAdmin) -> dict[str, str]:
    """Ids by username."""
    return {user["username"]: user["id"] for user in realm.get("/mcp-demo/users", max="100")}


def bound(site: Site) -> dict[str, list[str]]:
    """The accounts' ids by the name of the entity that they are bound to."""
    listed = site.vault.list("identity/entity/id")["key_info"].values()
    return {one["name"]: [alias["name"] for alias in one.get("aliases") or []] for one in listed}


def left(ledger: Ledger) -> set[tuple[str, str]]:
    return {(entry.kind, entry.name) for entry in ledger.entries if entry.outcome is LedgerOutcome.LEFT}


def others(ledger: Ledger) -> list[LedgerEntry]:
    """What was done; what is left alone is only told."""
    return [entry for entry in moved(ledger) if entry.outcome is not LedgerOutcome.LEFT]


NAMES = [
    {"alice": "alice-kim"},
    {"alice": "alice-kim", "bob": "alice"},
    {"alice": "bob", "bob": "alice"},
    {"alice": "bob", "bob": "charlie", "charlie": "alice"},
]


@pytest.mark.parametrize("names", NAMES, ids=lambda names: " ".join(f"{a}→{b}" for a, b in names.items()))
def test_whoever_was_renamed_is_named_and_left_alone(site: Site, realm: RealmAdmin, names: dict[str, str]) -> None:
    before, whose = accounts(realm), bound(site)
    emails = {user["id"]: user["email"] for user in realm.get("/mcp-demo/users", max="100")}
    with renamed(realm, names):
        for dry_run in (True, False):
            ledger = site.run(dry_run=dry_run)
            assert left(ledger) == {("user", new) for new in names.values()}
            assert others(ledger) == []
        assert accounts(realm) == {names.get(name, name): sub for name, sub in before.items()}
        assert {user["id"]: user["email"] for user in realm.get("/mcp-demo/users", max="100")} == emails
        assert bound(site) == whose
    assert moved(site.run()) == []


def test_a_new_account_by_an_old_name_gets_nothing_of_its_former_owner(site: Site, realm: RealmAdmin) -> None:
    whose = bound(site)
    with renamed(realm, {"alice": "alice-kim"}):
        realm.post("/mcp-demo/users", {"username": "alice", "enabled": True, "email": "another@example.com"})
        try:
            ledger = site.run()
            assert others(ledger) == []
            assert bound(site) == whose
            assert {"alice", "alice-kim"} <= accounts(realm).keys()
        finally:
            realm.delete(f"/mcp-demo/users/{accounts(realm)['alice']}")


def test_a_hand_made_account_by_the_name_of_a_deleted_one_gets_nothing(site: Site, realm: RealmAdmin) -> None:
    whose = bound(site)
    realm.delete(f"/mcp-demo/users/{accounts(realm)['bob']}")
    realm.post("/mcp-demo/users", {"username": "bob", "enabled": True, "email": "another@example.com"})
    ledger = site.run()
    assert left(ledger) == {("user", "bob"), ("entity", "bob")}
    assert bound(site) == whose
    realm.delete(f"/mcp-demo/users/{accounts(realm)['bob']}")
    kinds = {(e.kind, e.name) for e in moved(site.run())}
    assert kinds == {("user", "bob"), ("entity", "bob"), ("database role", "bob")}
    assert bound(site)["bob"] == [accounts(realm)["bob"]]


def test_a_renamed_person_who_leaves_the_file_keeps_the_account_and_loses_the_entitlements(
    site: Site, realm: RealmAdmin
) -> None:
    sub = accounts(realm)["bob"]
    with renamed(realm, {"bob": "bob-lee"}):
        for _ in range(2):
            site.run(without("bob"))
            assert accounts(realm)["bob-lee"] == sub
        assert "bob" not in bound(site)
        assert site.vault.read("secret/data/users/bob/github") is None
    realm.delete(f"/mcp-demo/users/{sub}")
    site.run()


def test_a_new_person_does_not_get_the_account_that_has_their_name_now(site: Site, realm: RealmAdmin) -> None:
    document = json.loads(json.dumps(PEOPLE))
    document["users"].append({"username": "dora", "password": "dora-1", "email": "dora@example.com"})
    sub = accounts(realm)["alice"]
    with renamed(realm, {"alice": "dora"}):
        ledger = site.run(document)
        assert {("user", "dora"), ("entity", "dora")} <= left(ledger)
        assert bound(site)["alice"] == [sub]
        assert "dora" not in bound(site)
    site.run()


def test_a_file_at_fault_writes_nothing(site: Site) -> None:
    document = json.loads(json.dumps(PEOPLE))
    document["users"] = [*without("bob")["users"], {**document["users"][0], "username": "a/b"}]
    with pytest.raises(InputError):
        site.run(document)
    assert "bob" in site.vault.list("identity/entity/name")["keys"]


def test_the_database_user_of_a_reader_reads_and_writes_nothing(site: Site) -> None:
    made = site.vault.read("database/creds/bob")
    assert made
    assert made["username"].startswith("v-bob-")
    with psycopg.connect(
        host="localhost",
        port=site.settings.postgres_port,
        dbname="shop",
        user=made["username"],
        password=made["password"],
        autocommit=True,
    ) as bob:
        assert bob.execute("SELECT count(*) FROM orders").fetchone() == (120,)
        for refused in (
            "INSERT INTO orders (user_id) VALUES (1)",
            "CREATE TABLE mine (a int)",
            "SELECT pg_read_file('/etc/hostname')",
            "COPY users TO PROGRAM 'true'",
            "COPY users TO '/tmp/out'",
            "SET ROLE shop_owner",
            "SELECT lo_import('/etc/hostname')",
            "SELECT lo_create(0)",
            "SELECT lo_creat(-1)",
            "SELECT lo_from_bytea(0, 'kept')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bob.execute(refused)


@pytest.mark.parametrize("database", ["postgres", "template1", "keycloak", "mcp_state"])
def test_a_persons_database_user_gets_into_no_other_database(site: Site, database: str) -> None:
    made = site.vault.read("database/creds/alice")
    assert made
    with pytest.raises(psycopg.OperationalError, match="CONNECT privilege"):
        psycopg.connect(
            host="localhost",
            port=site.settings.postgres_port,
            dbname=database,
            user=made["username"],
            password=made["password"],
        )


def test_outside_the_demo_no_known_root_token_is_made(site: Site) -> None:
    with closing(VaultAdmin(site.settings.vault_addr, SecretStr("root-token"))) as known:
        assert known.is_valid()
    with pytest.raises(VaultError):
        site.vault.write("auth/jwt/login", {"role": "mcp-jira", "jwt": "not-a-token"})


def test_the_command_reports_in_json_and_fails_with_one_sentence(site: Site, tmp_path: Path) -> None:
    def command(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "init", *arguments],
            cwd=ROOT,
            env={**os.environ, **site.stack.environment("init"), "USERS_FILE": str(site.users_file), **more},
            capture_output=True,
            text=True,
            check=False,
        )

    report = json.loads(command("--dry-run", "--json").stdout)
    assert report["dry_run"] is True
    assert report["counts"]["unchanged"] == len(report["objects"])
    (tmp_path / "bad.yaml").write_text("users: [")
    failed = command(USERS_FILE=str(tmp_path / "bad.yaml"))
    assert failed.returncode == 1
    assert "not YAML" in failed.stderr
    assert "Traceback" not in failed.stderr
