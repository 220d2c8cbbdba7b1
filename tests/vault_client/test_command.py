"""``python -m vault_client`` as a person runs it: what it shows, how it ends, and a sentence for each first mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.layout import ROOT
from stack.processes import wait_until
from stack.testing import Stack
from tests.support.browser import closed_port
from tests.support.odd_server import odd_server
from tests.vault_client.applications import OwnApplication, own_application


@pytest.fixture(scope="module")
def own(stack: Stack) -> Iterator[OwnApplication]:
    with own_application(stack) as made:
        yield made


def command(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vault_client", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = command(*arguments, **environment)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in out + err
    return process.returncode, out, err


def _living_users(own: OwnApplication) -> int:
    with own.superuser() as admin:
        named = f"v-{own.entity}-%"
        (count,) = admin.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE %s", (named,)).fetchone() or (0,)
    return int(count)


def _expect_users(own: OwnApplication, count: int) -> None:
    """Vault ends a token's leases beside its answer."""
    assert any(_living_users(own) == count for _ in wait_until(time.monotonic() + 20))


def test_once_shows_every_kind_holds_no_secret_and_gives_everything_back(own: OwnApplication, tmp_path: Path) -> None:
    file = str(own.file(tmp_path / "config.ini"))
    before = _living_users(own)
    code, out, err = finished("--config", file, "--once", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["entity"] == own.entity
    assert [row["kind"] for row in document["secrets"]] == ["token", "kv", "dynamic", "static"]
    assert {row["state"] for row in document["secrets"]} == {"fresh"}
    left = {row["kind"]: row["left_seconds"] for row in document["secrets"]}
    assert left["kv"] is None
    assert 0 < left["dynamic"] <= 60
    assert 0 <= left["static"] <= 5
    _expect_users(own, before)
    code, out, _ = finished("--config", file, "--once")
    assert code == 0
    for words in ("Vault token", "KV secret", "Database user", "Static database user", f"{own.entity}-kv/data/app"):
        assert words in out
    assert own.api_key not in out
    assert own.secret_id not in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_changes_line_by_line_until_it_is_interrupted_and_gives_everything_back(
    own: OwnApplication, tmp_path: Path, number: signal.Signals
) -> None:
    before = _living_users(own)
    process = command("--config", str(own.file(tmp_path / "config.ini")), "--json", KV_SECRET_REFRESH_INTERVAL="0.2")
    assert process.stdout is not None
    first = [json.loads(process.stdout.readline()) for _ in range(4)]
    assert {line["kind"] for line in first} == {"token", "kv", "dynamic", "static"}
    assert _living_users(own) == before + 1
    key = f"key-{time.time()}"
    own.put(api_key=key)
    line = json.loads(next(line for line in process.stdout if '"kv"' in line))
    assert line["detail"].startswith("version ")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert key not in out
    _expect_users(own, before)


def test_a_wrapped_secret_id_is_opened_once_and_kept_for_the_next_start(own: OwnApplication, tmp_path: Path) -> None:
    wrapped = own.admin.wrapped(f"auth/approle/role/{own.entity}/secret-id", ttl=60).get_secret_value()
    path = own.file(tmp_path / "config.ini", secret_id="", secret_id_wrapped=wrapped)
    copied = own.file(tmp_path / "copied.ini", secret_id="", secret_id_wrapped=wrapped)
    for _ in range(2):
        assert finished("--config", str(path), "--once")[0] == 0
    assert wrapped not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    code, _, err = finished("--config", str(copied), "--once")
    assert code == 1
    assert "used up or its time is over" in err
    assert "somebody else holds the secret id" in err


def test_the_environment_stands_above_the_file(own: OwnApplication, tmp_path: Path) -> None:
    path = own.file(tmp_path / "config.ini", role_id="nobody", secret_id="wrong", url="http://localhost:1")
    environment = {
        "VAULT_ROLE_ID": own.entity,
        "VAULT_SECRET_ID": own.secret_id,
        "VAULT_URL": own.stack.url("openbao"),
        "DATABASE_STATIC_ENABLED": "false",
    }
    code, out, _ = finished("--config", str(path), "--once", "--json", **environment)
    assert code == 0
    assert [row["kind"] for row in json.loads(out)["secrets"]] == ["token", "kv", "dynamic"]


def test_every_first_mistake_has_a_sentence_of_its_own(own: OwnApplication, tmp_path: Path) -> None:
    def refusal(*arguments: str, vault: dict[str, str] | None = None, **environment: str) -> str:
        file = own.file(tmp_path / "config.ini", **(vault or {}))
        code, out, err = finished("--config", str(file), "--once", "--json", "--wait", "0", *arguments, **environment)
        assert code == 1
        told = err.strip() or " ".join(
            str(row["problem"]["what"]) for row in json.loads(out)["secrets"] if row["problem"]
        )
        assert own.secret_id not in told
        return told

    soon, past = str(time.time() + 3600), str(time.time() - 3600)
    address = f"http://localhost:{closed_port()}"
    told = {
        "address": refusal(VAULT_URL=address),
        "role id": refusal(vault={"role_id": "wrong", "secret_id_expires": soon}),
        "expired": refusal(vault={"secret_id": "gone", "secret_id_expires": past}),
        "either": refusal(VAULT_SECRET_ID="gone"),
        "none": refusal(vault={"secret_id": ""}),
        "policy": refusal(KV_SECRET_PATH="app", VAULT_ENTITY="not-mine"),
        "engine": refusal(VAULT_ENTITY="nowhere"),
        "size": refusal(HTTP_MAX_RESPONSE_SIZE="300"),
        "number": refusal(HTTP_TIMEOUT="soon"),
        "key": refusal(vault={"rolle_id": "x"}),
    }
    with odd_server() as sealed:
        sealed.status, sealed.body = 503, b'{"initialized": true, "sealed": true}'
        told["sealed"] = refusal(VAULT_URL=sealed.url)
    with odd_server() as stranger:
        stranger.body = b"<html>hello</html>"
        told["stranger"] = refusal(VAULT_URL=stranger.url)
    expected = {
        "address": "cannot be reached",
        "role id": "Check `role_id`",
        "expired": "The secret id expired at",
        "either": "does not say which of the two",
        "none": "There is no secret id",
        "policy": "No policy of this application allows it to read not-mine-kv/data/app",
        "engine": "no engine mounted there",
        "size": "larger than 300 bytes",
        "number": "http_timeout",
        "key": "vault_rolle_id",
        "sealed": "Vault is sealed",
        "stranger": "Something other than Vault answered",
    }
    assert {name: words in told[name] for name, words in expected.items()} == dict.fromkeys(expected, True), told
    assert len(set(told.values())) == len(told)
    assert address in told["address"]
