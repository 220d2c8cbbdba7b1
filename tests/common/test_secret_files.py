"""A secret may come in a file, to every process, and no failure of it shows what the file holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from common.settings import CommonSettings, load
from fastmcp_vault.errors import ConfigError
from tests.common.test_production import EVERY, OWN


def secrets_of(kind: type[CommonSettings]) -> list[str]:
    kinds = {
        name: {field.annotation, *getattr(field.annotation, "__args__", ())}
        for name, field in kind.model_fields.items()
    }
    return [name for name, found in kinds.items() if SecretStr in found]


@pytest.mark.parametrize("kind", EVERY, ids=lambda k: k.__name__)
def test_every_secret_of_every_process_may_come_in_a_file(
    kind: type[CommonSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {name: f"{OWN}-{name}" for name in secrets_of(kind)}
    if "app_session_key" in given:
        given["app_session_key"] = Fernet.generate_key().decode()
    assert "state_dsn" in given
    for name, value in given.items():
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / name))
    made = load(kind)
    assert {name: getattr(made, name).get_secret_value() for name in given} == given
    assert OWN not in repr(made)


def test_the_variable_may_stand_in_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DSN", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dsn").write_text(OWN)
    (tmp_path / ".env").write_text(f"STATE_DSN_FILE={tmp_path / 'dsn'}\n")
    assert load(CommonSettings).state_dsn.get_secret_value() == OWN


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "The file of STATE_DSN_FILE cannot be read: No such file or directory."),
        (b"", "The file of STATE_DSN_FILE is empty, or longer than 65536 bytes."),
        (b"\n", "The file of STATE_DSN_FILE is empty, or longer than 65536 bytes."),
        (OWN.encode() * 2000, "The file of STATE_DSN_FILE is empty, or longer than 65536 bytes."),
        (b"\xff" + OWN.encode(), "The file of STATE_DSN_FILE cannot be read: it is not text."),
    ],
    ids=["missing", "empty", "a line break", "long", "binary"],
)
def test_a_file_that_holds_no_secret_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, said: str
) -> None:
    monkeypatch.delenv("STATE_DSN", raising=False)
    monkeypatch.setenv("STATE_DSN_FILE", str(tmp_path / "dsn"))
    if content is not None:
        (tmp_path / "dsn").write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        load(CommonSettings)
    assert refused.value.what == said
    assert OWN not in f"{refused.value}{refused.value.__cause__}"


def test_a_secret_that_is_given_both_ways_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dsn").write_text("postgresql://one")
    monkeypatch.setenv("STATE_DSN", "postgresql://other")
    monkeypatch.setenv("STATE_DSN_FILE", str(tmp_path / "dsn"))
    with pytest.raises(ConfigError, match=r"STATE_DSN and STATE_DSN_FILE are both set\."):
        load(CommonSettings)
