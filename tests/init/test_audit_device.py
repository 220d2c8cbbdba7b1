"""Vault keeps an audit log wherever its API lets provisioning make one; OpenBao's own configuration file decides there.

HashiCorp's server does not run on the tests' machines: what it is told is looked at on the wire.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import VaultError
from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.settings import InitSettings
from init.vault import _audit_device
from stack.testing import Stack
from tests.support.odd_server import OddServer, odd_server


@pytest.fixture
def server() -> Iterator[OddServer]:
    with odd_server() as odd:
        yield odd


def provision(addr: str, *, token: str = "x", file: str = "/vault/logs/audit.log", dry_run: bool = False) -> Ledger:
    vault, ledger = VaultAdmin(addr, SecretStr(token)), Ledger(dry_run=dry_run)
    try:
        _audit_device(InitSettings(vault_audit_file=file), vault, ledger)
    finally:
        vault.close()
    return ledger


def test_a_vault_without_one_is_given_one(server: OddServer) -> None:
    server.body = json.dumps({"data": {}}).encode()
    (planned,) = provision(server.url, dry_run=True).entries
    (made,) = provision(server.url).entries
    assert planned == made
    assert (made.kind, made.name, made.outcome) == ("audit device", "file/", "created")
    sent = [form for form in server.forms_seen if form]
    options = {"file_path": "/vault/logs/audit.log", "mode": "0600"}
    assert [json.loads(form) for form in sent] == [{"type": "file", "options": options}]


def test_one_that_is_there_stays_and_without_a_file_none_is_made(stack: Stack, server: OddServer) -> None:
    (kept,) = provision(stack.url("openbao"), token=stack.secrets["VAULT_TOKEN"]).entries
    assert (kept.name, kept.outcome) == ("file/", "unchanged")
    server.body = json.dumps({"data": {}}).encode()
    (none,) = provision(server.url, file="").entries
    assert (none.name, none.outcome) == ("none", "unchanged")
    assert not any(server.forms_seen)


def test_openbao_s_refusal_is_a_warning_and_any_other_an_error(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """OpenBao itself refuses; only what it answers about the device that it has is kept from us."""
    read = VaultAdmin.read
    monkeypatch.setattr(VaultAdmin, "read", lambda self, path: {} if path == "sys/audit" else read(self, path))
    with caplog.at_level(logging.WARNING):
        provision(stack.url("openbao"), token=stack.secrets["VAULT_TOKEN"])
    assert "keeps no audit log" in caplog.text
    with odd_server() as odd:
        odd.status, odd.body = 400, json.dumps({"errors": ["sanity check failed; unable to open file"]}).encode()
        with pytest.raises(VaultError, match="unable to open"):
            provision(odd.url)
