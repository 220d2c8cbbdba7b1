"""People out of a group of the company's Keycloak: known to Vault by their ids, and their accounts only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import InputError
from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger, LedgerOutcome
from init.run import run
from stack.testing import Stack
from tests.init.realm import EVERYBODY, Realm
from tests.support.renaming import renamed
from tests.support.sealed_vault import SealedVault

GROUP = "mcp"


class CompanyRealm:
    """A realm with a group and a Vault of the test's own; what a run did by kind and name, where it did something."""

    def __init__(self, realm: Realm, vault: SealedVault) -> None:
        self.realm = realm
        self.vault = VaultAdmin(vault.addr, SecretStr(vault.token()))
        self.settings = realm.settings.model_copy(
            update={"people_group": f"/{GROUP}", "vault_addr": vault.addr, "vault_token": SecretStr(vault.token())}
        )
        self.group = realm.admin.post(realm.path("/groups"), {"name": GROUP})
        self.readers = realm.admin.post(realm.path(f"/groups/{self.group}/children"), {"name": "shop_read"})

    def sub(self, name: str) -> str:
        (found,) = self.realm.get("/users", username=name, exact="true")
        return str(found["id"])

    def hire(self, name: str, group: str = "") -> None:
        """Into the group; an account is made where there is none."""
        if not self.realm.get("/users", username=name, exact="true"):
            self.realm.admin.post(self.realm.path("/users"), {"username": name, "enabled": True})
        self.realm.admin.put(self.realm.path(f"/users/{self.sub(name)}/groups/{group or self.group}"), {})

    def run(self) -> Ledger:
        return run(self.settings, only="vault")

    def entities(self) -> dict[str, str]:
        """Whose account each entity belongs to."""
        found = self.vault.list("identity/entity/id")["key_info"].values()
        return {one["name"]: one["aliases"][0]["name"] for one in found}


@pytest.fixture
def company(stack: Stack, tmp_path: Path) -> Iterator[CompanyRealm]:
    realm, server = Realm(stack), SealedVault(tmp_path)
    try:
        realm.provision(EVERYBODY)
        with server.running():
            assert server.unseal().returncode == 0
            made = CompanyRealm(realm, server)
            yield made
            made.vault.close()
    finally:
        realm.remove()


def told(ledger: Ledger) -> dict[str, str]:
    left = [entry for entry in ledger.entries if entry.outcome is LedgerOutcome.LEFT]
    return {entry.name: entry.note for entry in left if entry.kind == "user"}


def test_members_of_the_group_are_the_people_and_stay_who_they_are(company: CompanyRealm) -> None:
    company.hire("alice", company.readers)
    company.hire("bob")
    company.hire("j.doe")
    alice, bob = company.sub("alice"), company.sub("bob")

    assert told(company.run()).keys() == {"j.doe"}
    assert company.entities() == {"alice": alice, "bob": bob}
    assert company.vault.list("database/roles")["keys"] == ["alice"]
    again = company.run().counts()
    assert (again[LedgerOutcome.CREATED], again[LedgerOutcome.CHANGED], again[LedgerOutcome.REMOVED]) == (0, 0, 0)

    company.realm.admin.delete(company.realm.path(f"/users/{bob}/groups/{company.group}"))
    with renamed(company.realm.admin, {"alice": "alicia"}, path=company.realm.path("")):
        company.hire("bob2")
        company.run()
        assert company.entities() == {"alice": alice, "bob2": company.sub("bob2")}

    company.realm.admin.delete(company.realm.path(f"/users/{alice}"))
    company.hire("alice", company.readers)
    assert "gone" in told(company.run())["alice"], "another account of that name is not the same person"
    assert company.entities()["alice"] == alice


def test_the_accounts_are_only_read_and_a_missing_group_is_named(company: CompanyRealm) -> None:
    company.hire("alice")
    before = company.realm.get("/users")
    ledger = run(company.settings, only="keycloak")
    assert [entry.name for entry in ledger.entries if entry.kind in {"user", "group"}] == []
    assert company.realm.get("/users") == before
    with pytest.raises(InputError, match="no group /nobody"):
        run(company.settings.model_copy(update={"people_group": "/nobody"}), only="keycloak")
