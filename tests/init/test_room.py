"""The file of a room's people: names that fit everywhere, passwords of their own, and nobody who is there already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.lab.people import attacker_and_victim, pair, read, seen_by
from fastmcp_vault.errors import InputError
from init import room
from init.users import SHIPPED, load_people, load_users
from mock_services.people import UsersFile

REFUSED: dict[str, tuple[str, str]] = {
    "an unknown column": ("username,shoe_size\nann,38\n", "unknown column shoe_size"),
    "a name that a path cannot hold": ("username\nann\nAnn Lee\n", "line 3: 'Ann Lee' cannot be a user name"),
    "a name without room for the partner's": (f"username\n{'a' * 28}\n", "cannot be a user name"),
    "nobody": ("username\n", "names nobody"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_csv_file_at_fault_is_refused_by_its_line(case: str, tmp_path: Path) -> None:
    text, said = REFUSED[case]
    (tmp_path / "people.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        room.from_csv(tmp_path / "people.csv")


def test_numbers_go_on_where_they_ended_and_no_password_is_given_twice(tmp_path: Path) -> None:
    first = room.numbered([], "table", 12)
    more = room.numbered(first, "table", 1)
    assert [entry["username"] for entry in room.tables(more)] == ["table-13"]
    everybody = first + more + room.numbered(first, "row", 1)
    assert len({entry["password"] for entry in everybody}) == len(everybody) == 42
    room.write(tmp_path / "room.yaml", everybody)
    assert len(load_people(SHIPPED, tmp_path / "room.yaml")) == 3 + 42
    room.write(tmp_path / "room.yaml", [])
    assert not (tmp_path / "room.yaml").exists()
    with pytest.raises(InputError, match="cannot begin a user name"):
        room.numbered([], "Table ", 1)


Change = Callable[[list[room.Entry]], object]


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("alice.*stands twice", lambda found: found[0].update(username="alice")),
        ("their own partner", lambda found: found[0].update(partner="table-01")),
        ("holds a Jira credential already", lambda found: found[0].update(partner="alice")),
    ],
)
def test_whose_credential_somebody_may_store_is_another_account_that_holds_none(
    said: str, change: Change, tmp_path: Path
) -> None:
    entries = room.numbered([], "table", 1)
    change(entries)
    room.write(tmp_path / "room.yaml", entries)
    with pytest.raises(InputError, match=said):
        load_people(SHIPPED, tmp_path / "room.yaml")


def test_who_has_lost_their_partner_has_none(tmp_path: Path) -> None:
    entries = room.numbered([], "table", 1)
    room.write(tmp_path / "room.yaml", [entries[0], entries[2]])
    found = {user.username: user for user in load_people(SHIPPED, tmp_path / "room.yaml")}
    assert (found["table-01"].partner, found["alice"].partner) == ("", "bob")


def test_the_shipped_people_have_a_pair() -> None:
    assert {user.username: user.partner for user in load_users(SHIPPED) if user.partner} == {"alice": "bob"}


def test_the_lab_acts_for_each_table_with_that_table_s_own_accounts(tmp_path: Path) -> None:
    room.write(tmp_path / "room.yaml", room.numbered([], "table", 9))
    people = {**read(SHIPPED), **read(tmp_path / "room.yaml", in_room=True)}
    assert [one.username for one in attacker_and_victim(people, "table-04")] == ["table-04-eve", "table-04-bob"]
    assert [one.username for one in attacker_and_victim(people, "charlie")] == ["alice", "bob"]
    assert [one.username for one in pair(people, "table-04")] == ["table-04", "table-04-bob"]
    assert [one.username for one in pair(people, "bob")] == ["alice", "bob"]
    shown = seen_by(people, "table-04")
    assert shown[:3] == ["table-04", "table-04-bob", "table-04-eve"]
    assert len(shown) == 3 + 3 + 3


async def test_the_mock_apis_know_a_room_that_comes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "room.yaml"
    users = UsersFile(SHIPPED, path)
    users.load()
    room.write(path, room.numbered([], "table", 1))
    waiting = room.read(path)[1]["waiting"]["jira"]
    found = (await users.directory()).jira_person(waiting["email"], waiting["api_token"])
    assert found is not None
    assert found.username == "table-01-bob"
    room.write(path, [])
    assert (await users.directory()).jira_person(waiting["email"], waiting["api_token"]) is None
