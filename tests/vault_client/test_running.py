"""The application while it runs: the example that init made, the table in a terminal, the end when a login is lost."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastmcp_vault.vault.config import ClientConfig
from stack.layout import ROOT
from stack.testing import Stack
from tests.vault_client.applications import OwnApplication, own_application
from tests.vault_client.test_command import command, finished


@pytest.fixture
def own(stack: Stack) -> Iterator[OwnApplication]:
    with own_application(stack) as made:
        yield made


def test_the_example_that_init_made_runs_from_its_own_file(stack: Stack) -> None:
    file = stack.layout.data / "my-vault-app" / "config.ini"
    assert file.stat().st_mode & 0o777 == 0o600
    for _ in range(2):
        code, out, err = finished("--config", str(file), "--once", "--json")
        assert (code, err) == (0, "")
        assert out.count('"state": "fresh"') == 4
        assert "my-vault-app-kv/data/app" in out
    assert "secret_id_wrapped" not in file.read_text(), "a wrapping token opens once"


def test_when_its_login_is_lost_for_good_it_ends_with_1_and_says_why(own: OwnApplication, tmp_path: Path) -> None:
    own.role(token_ttl=2, token_max_ttl=2)
    process = command("--config", str(own.file(tmp_path / "config.ini")), "--json")
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(4)]
    own.admin.delete(f"auth/approle/role/{own.entity}")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Vault refused the login" in err or "Vault knows no application" in err
    assert "Traceback" not in err
    assert own.secret_id not in err


def test_in_a_terminal_a_table_counts_down_until_ctrl_c(own: OwnApplication, tmp_path: Path) -> None:
    own.dynamic(ttl=60)
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vault_client", "--config", str(own.file(tmp_path / "config.ini"))],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"},
        stdout=secondary,
        stderr=subprocess.PIPE,
    )
    os.close(secondary)
    seen, left = "", set[str]()
    while len(left) < 3:
        seen += os.read(primary, 65536).decode(errors="replace")
        left = set(re.findall(r"creds/dynamic.*?(\d:\d\d)", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)))
    for words in ("Vault token", "KV secret", "Database user", "Static database user"):
        assert words in seen
    assert own.api_key not in seen
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    os.close(primary)
    assert (process.returncode, err) == (0, b"")


def test_what_is_not_configured_is_as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("VAULT_", "HTTP_", "KV_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    config = ClientConfig()
    assert (config.vault_entity, config.kv_mount, config.database_mount) == (
        "my-vault-app",
        "my-vault-app-kv",
        "my-vault-app-database",
    )
    assert (config.kv_secret_refresh_interval, config.http_timeout, config.http_max_response_size) == (5, 30, 4096)
    assert config.kv_secret_enabled
    assert config.database_dynamic_enabled
    assert config.database_static_enabled
