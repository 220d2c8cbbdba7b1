"""Renaming people at Keycloak, as an administrator does, and back again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from init.keycloak_admin import RealmAdmin
from stack.testing import Stack
from tests.support.people import Person


@contextmanager
def administrator(stack: Stack) -> Iterator[RealmAdmin]:
    """The stack's Keycloak as its administrator."""
    made = RealmAdmin(
        stack.url("keycloak"),
        username=stack.secrets["KEYCLOAK_ADMIN"],
        password=SecretStr(stack.secrets["KEYCLOAK_ADMIN_PASSWORD"]),
    )
    made.log_in()
    try:
        yield made
    finally:
        made.close()


@contextmanager
def made_by_hand(realm: RealmAdmin, name: str) -> Iterator[Person]:
    """Somebody whom an administrator made at Keycloak alone, for as long as the block runs."""
    person = Person(name, "password-by-hand", f"{name}@example.com", {})
    made: dict[str, Any] = {
        "username": name,
        "enabled": True,
        "email": person.email,
        "emailVerified": True,
        "firstName": "By",
        "lastName": "Hand",
        "credentials": [{"type": "password", "value": person.password, "temporary": False}],
    }
    realm.post("/mcp-demo/users", made)
    try:
        yield person
    finally:
        realm.delete(f"/mcp-demo/users/{user_id(realm, name)}")


def user_id(realm: RealmAdmin, name: str, *, path: str = "/mcp-demo") -> str:
    """The account's id (``sub``)."""
    (found,) = realm.get(f"{path}/users", username=name, exact="true")
    return str(found["id"])


def rename(realm: RealmAdmin, names: Mapping[str, str], *, path: str = "/mcp-demo") -> None:
    """Give each account its new name, all at once: swaps too. Keycloak renames only while the realm allows it."""
    ids = {old: user_id(realm, old, path=path) for old in names}
    realm.put(path, {"editUsernameAllowed": True})
    try:
        for number, sub in enumerate(ids.values()):
            _name(realm, path, sub, f"between-names-{number}-{sub[:8]}")
        for old, sub in ids.items():
            _name(realm, path, sub, names[old])
    finally:
        realm.put(path, {"editUsernameAllowed": False})


@contextmanager
def renamed(realm: RealmAdmin, names: Mapping[str, str], *, path: str = "/mcp-demo") -> Iterator[None]:
    """Other names for as long as the block runs."""
    rename(realm, names, path=path)
    try:
        yield
    finally:
        rename(realm, {new: old for old, new in names.items()}, path=path)


def _name(realm: RealmAdmin, path: str, sub: str, name: str) -> None:
    have: dict[str, Any] = realm.get(f"{path}/users/{sub}")
    realm.put(f"{path}/users/{sub}", have | {"username": name})
