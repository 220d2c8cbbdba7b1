"""A Vault that runs elsewhere is provisioned with a token that holds the stated policy, and each line of it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from fastmcp_vault.errors import InputError
from fastmcp_vault.vault.admin import VaultAdmin
from init import vault_least
from init.ledger import Ledger, LedgerOutcome
from init.run import run
from init.settings import InitSettings
from init.vault_approles import SERVICE_ROLES
from stack import other_vault
from stack.testing import Stack
from tests.support.sealed_vault import SealedVault

ONLY = ("--only", "vault")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Its address, and its first token, which may do everything."""
    server = SealedVault(tmp_path)
    with server.running():
        assert server.unseal().returncode == 0
        yield server.addr, server.token()


def settings(stack: Stack, addr: str, token: str, **more: Any) -> InitSettings:
    own = stack.environment("init")
    given = other_vault.settings(own, ONLY, {"VAULT_ADDR": addr, "VAULT_TOKEN": token})
    return InitSettings(**{**{name.lower(): value for name, value in given.items()}, **more})


def test_the_stated_policy_is_enough_and_no_line_of_it_is_too_much(
    stack: Stack, elsewhere: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addr, root = elsewhere
    admin = VaultAdmin(addr, SecretStr(root))
    people = yaml.safe_load(stack.instance.users_file.read_text())
    policy = vault_least.text(settings(stack, addr, root))
    admin.write("sys/policies/acl/provisioning", {"policy": policy})
    made = admin.write("auth/token/create", {"policies": ["provisioning"], "no_parent": True, "ttl": "1h"})
    asked = recorded(monkeypatch)

    def provision(dry_run: bool = False, **more: Any) -> Ledger:
        return run(settings(stack, addr, made["client_token"], **more), only="vault", dry_run=dry_run)

    assert provision(dry_run=True).counts()[LedgerOutcome.CREATED] > 30
    assert not admin.list("identity/entity/name")["keys"]
    assert provision().counts()[LedgerOutcome.CREATED] > 30
    again = provision().counts()
    assert (again[LedgerOutcome.CREATED], again[LedgerOutcome.CHANGED], again[LedgerOutcome.REMOVED]) == (0, 0, 0)

    # Somebody leaves who has connected an account; secret ids and a person's id at Keycloak change.
    leaves, stays = people["users"][0]["username"], people["users"][1]["username"]
    admin.write(f"secret/data/users/{leaves}/accounts/jira", {"data": {"access_token": "of-nobody"}})
    entity = admin.read(f"identity/entity/name/{stays}") or {}
    admin.delete(f"identity/entity-alias/id/{entity['aliases'][0]['id']}")
    alias = {"name": "an-earlier-id", "canonical_id": entity["id"]}
    admin.write("identity/entity-alias", alias | {"mount_accessor": entity["aliases"][0]["mount_accessor"]})
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text(yaml.safe_dump(people | {"users": people["users"][1:]}))
    secret_ids = {f"{name.replace('-', '_')}_vault_secret_id": SecretStr(f"another-{name}") for name in SERVICE_ROLES}
    changed = provision(users_file=fewer, **secret_ids).counts()
    assert changed[LedgerOutcome.REMOVED] >= 4
    assert changed[LedgerOutcome.CHANGED] == 1
    admin.close()

    unused = [
        f"{path}: {need}"
        for path, capabilities in vault_least.rules(settings(stack, addr, root))
        for need in capabilities.replace("create update", "write").replace("update sudo", "write").split()
        if need != "sudo" and not any(need == did and matches(path, where) for did, where in asked)
    ]
    assert unused == []


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is asked of Vault from now on: ``read``, ``list``, ``write`` or ``delete``, and the path."""
    asked: list[tuple[str, str]] = []

    def recording(verb: str, original: Any) -> Any:
        def record(self: VaultAdmin, path: str, *rest: Any) -> Any:
            asked.append((verb, path))
            return original(self, path, *rest)

        return record

    for verb in ("read", "list", "write", "delete"):
        monkeypatch.setattr(VaultAdmin, verb, recording(verb, getattr(VaultAdmin, verb)))
    return asked


def matches(rule: str, path: str) -> bool:
    """As Vault reads a policy's path: ``+`` is one segment, a last ``*`` is any rest."""
    return bool(re.fullmatch(re.escape(rule.removesuffix("/")).replace(r"\+", "[^/]+").replace(r"\*", ".*"), path))


def test_a_root_token_is_not_taken_for_another_vault(stack: Stack, elsewhere: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="root token"):
        run(settings(stack, *elsewhere), only="vault")


def test_another_vault_is_one_that_the_caller_names_with_a_token_for_it_and_nothing_else() -> None:
    own = {"VAULT_ADDR": "http://localhost:8200", "VAULT_TOKEN": "own", "VAULT_ROOT_TOKEN_ID": "root-token"}
    other = {"VAULT_ADDR": "https://vault.example.com", "VAULT_TOKEN": "theirs", "HOME": "/"}
    assert other_vault.settings(own, (), other) == own, "not without --only vault"
    assert other_vault.settings(own, ("--only", "keycloak"), other) == own
    assert other_vault.settings(own, ONLY, own | {"VAULT_TOKEN": "mine"}) == own
    with pytest.raises(InputError, match="no VAULT_TOKEN"):
        other_vault.settings(own, ("--only=vault",), {"VAULT_ADDR": other["VAULT_ADDR"]})
    given = other_vault.settings(own | {"VAULT_CLIENT_CONFIG": "/config.ini"}, ("--only=vault",), other)
    assert given == {
        "VAULT_ADDR": "https://vault.example.com",
        "VAULT_TOKEN": "theirs",
        "VAULT_ROOT_TOKEN_ID": "",
        "VAULT_AUDIT_FILE": "",
    }
