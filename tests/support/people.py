"""People of the tests' own: a users file with the demo's three and a pool that tests draw from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from common.users_file import entries
from stack.layout import ROOT

POOL = 600
"""People to draw from in one session: each test takes its own, so that no test meets another's traces."""


@dataclass(frozen=True)
class Person:
    """Someone who can sign in, with what the users file says they hold."""

    username: str
    password: str
    email: str
    entitlements: dict[str, dict[str, Any]]


def _pool_entry(number: int) -> dict[str, Any]:
    name = f"tester{number:03d}"
    email = f"{name}@example.com"
    return {
        "username": name,
        "password": f"{name}-password",
        "email": email,
        "first_name": "Tester",
        "last_name": f"{number:03d}",
        "realm_roles": [],
        "entitlements": {
            "jira": {"email": email, "api_token": f"demo-jira-token-{name}"},
            "github": {"login": name, "token": f"demo-github-token-{name}"},
            "postgres": {"grants": ["shop_read", "orders_write"]},
        },
    }


def write_users(path: Path, *, pool: int = POOL) -> Path:
    """The project's own users file with a pool of this size added, at ``path``."""
    users = yaml.safe_load((ROOT / "init" / "users.yaml").read_text())
    users["users"] += [_pool_entry(number) for number in range(pool)]
    path.write_text(yaml.safe_dump(users, sort_keys=False))
    return path


def read_users(path: Path) -> dict[str, Person]:
    """Everybody in a users file, by username."""
    return {
        entry["username"]: Person(entry["username"], entry["password"], entry["email"], entry.get("entitlements") or {})
        for entry in entries(path)
    }


def pool(path: Path, draw: Callable[[], int]) -> Iterator[Person]:
    """The people to draw from, by the numbers that ``draw`` gives."""
    found = [person for name, person in read_users(path).items() if name.startswith("tester")]
    while (number := draw()) < len(found):
        yield found[number]
