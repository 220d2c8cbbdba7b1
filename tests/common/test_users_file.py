"""The users file as its readers see it: parsed once, and again when it has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from common import users_file
from common.users_file import entries


def test_a_file_is_parsed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    class Counting(users_file.Loader):
        def __init__(self, stream: object) -> None:
            read.append(stream)
            super().__init__(stream)

    monkeypatch.setattr(users_file, "Loader", Counting)
    file = tmp_path / "users.yaml"
    file.write_text("users: [{username: alice}]")
    assert [entry["username"] for entry in entries(file) + entries(file)] == ["alice", "alice"]
    assert len(read) == 1
    file.write_text("users: [{username: alice}, {username: bob}]")
    assert [entry["username"] for entry in entries(file)] == ["alice", "bob"]
    assert len(read) == 2


def test_ten_thousand_people_are_parsed_by_libyaml_where_it_is_there() -> None:
    assert users_file.Loader is (yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
