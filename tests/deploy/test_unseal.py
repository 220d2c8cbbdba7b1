"""`python -m init.unseal` opens a real Vault server that runs with compose's own configuration."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
import requests

from tests.support.sealed_vault import SealedVault

PRINT_TOKEN = [sys.executable, "-c", "import os; print(os.environ['VAULT_TOKEN'])"]


@pytest.fixture
def server(tmp_path: Path) -> SealedVault:
    return SealedVault(tmp_path)


def test_a_new_vault_is_initialised_unsealed_and_handed_to_the_command(server: SealedVault) -> None:
    with server.running():
        done = server.unseal(*PRINT_TOKEN)
        assert done.returncode == 0, done.stderr
        token = done.stdout.strip()
        looked_up = requests.get(
            f"{server.addr}/v1/auth/token/lookup-self", headers={"X-Vault-Token": token}, timeout=5
        )
        assert looked_up.json()["data"]["policies"] == ["root"]
        assert (server.home / "logs" / "audit.log").stat().st_size > 0
        assert stat.S_IMODE(server.keys.stat().st_mode) == 0o600
        assert token not in done.stderr
        assert json.loads(server.keys.read_text())["key"] not in done.stderr

        again = server.unseal(*PRINT_TOKEN)
        assert (again.returncode, again.stdout.strip()) == (0, token)


def test_a_vault_that_was_restarted_is_unsealed_with_what_it_kept(server: SealedVault) -> None:
    with server.running():
        first = server.unseal(*PRINT_TOKEN).stdout
    with server.running():
        server.wait_for(503)
        assert server.unseal(*PRINT_TOKEN).stdout == first
        server.wait_for(200)


def test_who_stays_unseals_vault_after_each_of_its_restarts(server: SealedVault) -> None:
    with server.staying() as staying:
        for _ in range(2):
            with server.running():
                server.wait_for(200)
        assert staying.poll() is None
    key = json.loads(server.keys.read_text())
    said = (server.home / "unseal.log").read_text()
    assert said.count("Vault is unsealed.") == 2
    assert not [secret for secret in key.values() if secret in said]


def test_without_its_key_an_initialised_vault_is_left_alone(server: SealedVault) -> None:
    with server.running():
        assert server.unseal().returncode == 0
        server.keys.unlink()
        done = server.unseal(*PRINT_TOKEN)
    assert (done.returncode, done.stdout) == (1, "")
    assert "was initialised before, and its key is not in" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_key_of_another_vault_does_not_fit(server: SealedVault) -> None:
    with server.running():
        server.unseal()
    kept = json.loads(server.keys.read_text())
    server.keys.write_text(json.dumps(kept | {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}))
    with server.running():
        done = server.unseal()
    assert done.returncode == 1
    assert "Vault refused sys/unseal" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_known_before_vault_gives_its_key_away(server: SealedVault) -> None:
    server.keys.parent.write_text("not a directory")
    with server.running():
        assert server.unseal().returncode == 1
        server.wait_for(501)


def test_a_vault_that_does_not_answer_is_named(server: SealedVault) -> None:
    done = server.unseal(WAIT_SECONDS="0.5")
    assert done.returncode == 1
    assert f"Vault at {server.addr} does not answer." in done.stderr


def test_outside_the_demo_no_key_is_kept_in_a_file(server: SealedVault) -> None:
    done = server.unseal(
        *PRINT_TOKEN, PROFILE="production", KEYCLOAK_PUBLIC_URL="https://id.example.com", STATE_DSN="postgresql://x"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Vault's key is not kept in a file outside the demo" in done.stderr
