"""`VAULT_PROGRAM` chooses which server is Vault: unsealed by a key after each start, and called what it is.

HashiCorp's program is not on every machine. In its place is OpenBao under its name: with the same configuration, a
Shamir seal, and audit logs by the API.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.settings import InitSettings
from init.vault import _audit_device
from stack import programs
from stack.processes import wait_until

from .conftest import Demo

SCRIPT = """#!/bin/sh
if [ "$1" = version ]; then echo 'Vault v2.2.2 (in its place: OpenBao)'; exit; fi
exec {bao} "$@" -config={more}
"""


@pytest.fixture
def vault(tmp_path: Path) -> str:
    more = tmp_path / "more.hcl"
    more.write_text("unsafe_allow_api_audit_creation = true\n")
    program = tmp_path / "vault"
    program.write_text(SCRIPT.format(bao=programs.vault().path, more=more))
    program.chmod(0o755)
    return str(program)


def started(demo: Demo, vault: str) -> None:
    done = demo("up", "-d", "--free-ports", "--while-pid", str(os.getpid()), "--only", "openbao", VAULT_PROGRAM=vault)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Vault \(HashiCorp Vault\) +http://localhost", done.stdout)


def test_a_vault_with_a_shamir_seal_is_initialised_audited_and_unsealed_after_each_start(
    demo: Demo, vault: str
) -> None:
    started(demo, vault)
    home = demo.layout.data / "openbao"
    key, secrets = home / "unseal.key", demo.layout.secrets.read_text()
    assert "Vault (HashiCorp Vault)" in demo("status").stdout
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text() not in secrets + demo.layout.status.read_text() + demo("logs", "openbao").stdout

    address = f"http://localhost:{demo.status().ports['openbao']}"
    admin = VaultAdmin(address, SecretStr(json.loads(secrets)["VAULT_TOKEN"]))
    log = home / "audit.log"
    for outcome in ("created", "unchanged"):
        ledger = Ledger()
        _audit_device(InitSettings(vault_audit_file=str(log)), admin, ledger)
        assert [entry.outcome for entry in ledger.entries] == [outcome]
    assert log.stat().st_mode & 0o777 == 0o600

    killed = demo.pid("openbao")
    os.kill(killed, signal.SIGKILL)
    waits = wait_until(time.monotonic() + 60)
    assert any(now.restarts == 1 and now.phase == "ready" for now in (demo.status().services[0] for _ in waits))
    assert admin.is_valid()
    admin.close()
    assert demo("down").returncode == 0

    refused = demo("up", "-d", "--free-ports", "--only", "openbao")
    assert refused.returncode == 1
    assert "was made by HashiCorp Vault, which OpenBao cannot read" in refused.stderr
    assert "VAULT_PROGRAM" in refused.stderr
    started(demo, vault)
    assert key.exists()
    assert demo.layout.secrets.read_text() == secrets


def test_the_listener_that_the_cluster_needs_serves_nobody(demo: Demo, vault: str) -> None:
    started(demo, vault)
    listening = {entry.laddr.port for entry in psutil.Process(demo.pid("openbao")).net_connections("tcp")}
    known = demo.status().ports
    assert known["openbao-cluster"] in listening
    (other,) = listening - {known["openbao-cluster"]}
    with socket.create_connection(("127.0.0.1", other), timeout=10) as connection:
        connection.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""


@pytest.mark.parametrize("named", ["/no/such/vault", "true"])
def test_what_is_no_vault_is_refused_with_a_sentence(demo: Demo, named: str) -> None:
    refused = demo("up", "-d", "--free-ports", "--only", "openbao", VAULT_PROGRAM=named)
    assert refused.returncode == 1
    assert f"VAULT_PROGRAM={named}" in refused.stderr
    assert "for example VAULT_PROGRAM=/usr/bin/vault" in refused.stderr
    assert f"VAULT_PROGRAM={named}" in demo("doctor", VAULT_PROGRAM=named).stdout


def test_bao_named_is_openbao(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = programs.vault()
    monkeypatch.setenv("VAULT_PROGRAM", str(bundled.path))
    assert programs.vault() == bundled
    assert bundled.title == "Vault (OpenBao)"
