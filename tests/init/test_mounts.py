"""A secrets engine that provisioning made serves: what comes next may write to it at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.vault import settle_mounts
from stack.testing import Stack

MANY = 24
"""Enough to meet the moment in which a new KV engine refuses everything."""


@pytest.fixture
def vault(stack: Stack) -> Iterator[VaultAdmin]:
    admin = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    yield admin
    for number in range(MANY):
        admin.delete(f"sys/mounts/fresh-{number}")
    admin.close()


def test_a_new_kv_engine_takes_secrets_at_once(vault: VaultAdmin) -> None:
    def made_and_used(number: int) -> bool:
        name, ledger = f"fresh-{number}", Ledger()
        there = settle_mounts(vault, ledger, {name: {"type": "kv", "options": {"version": "2"}}}, within=10)
        vault.write(f"{name}/data/app", {"data": {"key": "value"}})
        return there

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(made_and_used, range(MANY)))
