"""The people of a room: names, one-time passwords, a partner and an attacker each; kept in a file of their own."""

from __future__ import annotations

import csv
import fcntl
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from common import passwords
from common.users_file import entries
from fastmcp_vault.errors import InputError
from fastmcp_vault.files import write_private
from init.users import NAME

MOST = 200
"""Tables in a room."""

PREFIX = "table"
PARTNER, ATTACKER = "bob", "eve"
"""How the names of a table's other two accounts end: who plays bob, and who attacks in the attack lab."""

_LONGEST = 31 - len(f"-{PARTNER}")
COLUMNS = ("username", "email", "first_name", "last_name")
"""What a CSV file may say of a person; only the first is needed."""

Entry = dict[str, Any]
"""One person as the users file has them (init/users.py)."""


def read(path: Path) -> list[Entry]:
    """Everybody in the room; nobody when there is no file. Its content is checked by ``init.users.load_people``."""
    if not path.exists():
        return []
    return list(entries(path))


def write(path: Path, people: Sequence[Entry]) -> None:
    """Replace the file (0600); without anybody in it, remove it."""
    if not people:
        path.unlink(missing_ok=True)
        return
    write_private(path, yaml.safe_dump({"users": list(people)}, sort_keys=False, allow_unicode=True))


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One writer at a time. Raises InputError when there is another."""
    with path.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("Another `./demo people` is at work.", fix="Run it again when that has ended.") from None
        yield


def tables(people: Sequence[Entry]) -> list[Entry]:
    """Those who have a partner: the people who sit there."""
    return [entry for entry in people if entry.get("partner")]


def with_others(people: Sequence[Entry], name: str) -> list[str]:
    """The accounts of one table: its person's, the partner's and the attacker's."""
    entry = next(entry for entry in people if entry["username"] == name)
    return [name, entry["partner"], entry["attacker"]]


def numbered(people: Sequence[Entry], prefix: str, count: int) -> list[Entry]:
    """``count`` more people, ``prefix-01`` and on, after those who are there. Raises InputError."""
    if not NAME.fullmatch(f"{prefix}-00") or len(prefix) > _LONGEST - 4:
        raise InputError(
            f"{prefix!r} cannot begin a user name.",
            fix=f"Use lower-case letters, digits, '-' and '_', {_LONGEST - 4} characters at most.",
        )
    there = [re.fullmatch(rf"{re.escape(prefix)}-(\d+)", entry["username"]) for entry in people]
    first = max((int(found[1]) for found in there if found), default=0) + 1
    more = ({"username": f"{prefix}-{number:02d}"} for number in range(first, first + count))
    return [entry for person in more for entry in _table(person)]


def from_csv(path: Path) -> list[Entry]:
    """The people of a CSV file, whose first line names COLUMNS. Raises InputError naming the line at fault."""
    fix = f"Its first line names the columns, {', '.join(COLUMNS)}; only `username` is needed. Nothing was written."
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}.", fix=fix) from error
    made = []
    for number, row in enumerate(rows, 2):
        known = {str(key): str(value).strip() for key, value in row.items() if value}
        if strange := sorted(set(map(str, row)) - set(COLUMNS)):
            raise InputError(f"{path.name}: unknown column {', '.join(strange)}.", fix=fix)
        name = known.get("username", "")
        if not NAME.fullmatch(name) or len(name) > _LONGEST:
            raise InputError(f"{path.name}, line {number}: {name!r} cannot be a user name.", fix=fix)
        made += _table(known)
    if not made:
        raise InputError(f"{path.name} names nobody.", fix=fix)
    return made


def _table(known: Mapping[str, str]) -> list[Entry]:
    name = known["username"]
    partner, attacker = f"{name}-{PARTNER}", f"{name}-{ATTACKER}"
    main: Entry = {
        "username": name,
        "password": passwords.readable(),
        "one_time": True,
        "email": known.get("email") or f"{name}@example.com",
        "first_name": known.get("first_name") or name.capitalize(),
        "last_name": known.get("last_name") or "Workshop",
        "partner": partner,
        "attacker": attacker,
    }
    others: list[Entry] = [
        {
            "username": other,
            "password": passwords.readable(),
            "email": f"{other}@example.com",
            "first_name": part.capitalize(),
            "last_name": f"of {name}",
        }
        for other, part in ((partner, PARTNER), (attacker, ATTACKER))
    ]
    for entry in (main, others[1]):
        entry["entitlements"] = {"jira": _jira(entry), "github": _github(entry), "postgres": {"grants": [*_WRITES]}}
    others[0]["entitlements"] = {"github": _github(others[0]), "postgres": {"grants": ["shop_read"]}}
    others[0]["waiting"] = {"jira": _jira(others[0])}
    return [main, *others]


_WRITES = ("shop_read", "orders_write")


def _jira(entry: Entry) -> dict[str, str]:
    return {"email": entry["email"], "api_token": f"room-jira-{secrets.token_urlsafe(24)}"}


def _github(entry: Entry) -> dict[str, str]:
    return {"login": entry["username"], "token": f"room-github-{secrets.token_urlsafe(24)}"}
