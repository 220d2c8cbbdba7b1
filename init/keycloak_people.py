"""Keycloak's people: created in batches, their password set once, and only those that init made ever removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from common.errors import KeycloakRefused
from identity.admin import CONNECTIONS, RealmAdmin
from init.keycloak_realm import FACILITATOR
from init.ledger import Ledger
from init.users import User

PART: Final = "keycloak"
OURS = "managed-by-init"
"""The group of those whom init made."""

_PAGE = 1000
_BATCH = 50
_IMPORTS = 4
"""Batches at once: hashing passwords is nearly all of an import, and one batch hashes on one core."""


@dataclass(frozen=True)
class Found:
    """Who is in the realm: users by username, and the ids of those who are init's, and who are facilitators."""

    users: dict[str, dict[str, Any]]
    ours: frozenset[str]
    facilitators: frozenset[str]
    group: str


def found(keycloak: RealmAdmin, realm: str) -> Found:
    """Everybody in the realm, in pages."""
    group = next((g["id"] for g in keycloak.get(f"{realm}/groups", search=OURS, exact="true") or []), "")
    with ThreadPoolExecutor(3) as pool:
        users = pool.submit(list, _pages(keycloak, f"{realm}/users", briefRepresentation="true"))
        leaders = pool.submit(list, _pages(keycloak, f"{realm}/roles/{FACILITATOR}/users"))
        ours = list(_pages(keycloak, f"{realm}/groups/{group}/members", briefRepresentation="true")) if group else []
        return Found(
            users={user["username"]: user for user in users.result()},
            ours=frozenset(user["id"] for user in ours),
            facilitators=frozenset(user["id"] for user in leaders.result()),
            group=group,
        )


def provision(keycloak: RealmAdmin, realm: str, users: Sequence[User], known: Found, ledger: Ledger) -> dict[str, str]:
    """Bring the people to what ``users`` say; everybody's id by username."""
    path = f"/{realm}"
    ledger.settle(
        PART,
        "group",
        OURS,
        exists=bool(known.group),
        equal=True,
        act=partial(keycloak.post, f"{path}/groups", {"name": OURS}),
    )
    wanted = {user.username for user in users}
    others = [user for name, user in sorted(known.users.items()) if name not in wanted]
    _refuse_taken_addresses(users, [user for user in others if user["id"] not in known.ours])
    # New people last: an address that somebody gives up is free by then.
    _each(partial(_remove, keycloak, path, ledger), [user for user in others if user["id"] in known.ours])
    _each(partial(_update, keycloak, path, known, ledger), [user for user in users if user.username in known.users])
    missing = [user for user in users if user.username not in known.users]
    batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
    _each(partial(_create, keycloak, realm, ledger), batches, at_once=_IMPORTS)
    everybody = known.users if not missing or ledger.dry_run else found(keycloak, path).users
    return {name: everybody[name]["id"] for name in wanted if name in everybody}


def _refuse_taken_addresses(users: Sequence[User], strangers: Sequence[dict[str, Any]]) -> None:
    """An import passes over a person whose address is another account's, without a word."""
    taken = {user["email"]: user["username"] for user in strangers if user.get("email")}
    for user in users:
        if user.email.lower() in taken:
            raise KeycloakRefused(
                f"{user.username}'s e-mail address is that of the account {taken[user.email.lower()]!r},"
                " which init did not make.",
                fix="Change the address in the users file, or remove that account in Keycloak.",
            )


def _create(keycloak: RealmAdmin, realm: str, ledger: Ledger, batch: Sequence[User]) -> None:
    people = {"ifResourceExists": "SKIP", "users": [_representation(user, realm) for user in batch]}
    if not ledger.dry_run:
        keycloak.post(f"/{realm}/partialImport", people)
    for user in batch:
        ledger.created(PART, "user", user.username, _done)


def _representation(user: User, realm: str) -> dict[str, Any]:
    return _profile(user) | {
        "username": user.username,
        "enabled": True,
        "emailVerified": True,
        "groups": [f"/{OURS}"],
        # Named roles replace the default ones, so those are named too.
        "realmRoles": [f"default-roles-{realm}", *user.realm_roles],
        "credentials": [{"type": "password", "value": user.password.get_secret_value(), "temporary": False}],
    }


def _profile(user: User) -> dict[str, str]:
    """Keycloak asks a person without a name for one at the first sign-in."""
    return {
        "email": user.email.lower(),
        "firstName": user.first_name or user.username.capitalize(),
        "lastName": user.last_name or user.username.capitalize(),
    }


def _update(keycloak: RealmAdmin, path: str, known: Found, ledger: Ledger, user: User) -> None:
    """A profile follows the file; a password is set once and then the person's own."""
    have = known.users[user.username]
    wanted = _profile(user)
    wrong = [field for field, value in wanted.items() if have.get(field) != value]
    leads, should_lead = have["id"] in known.facilitators, FACILITATOR in user.realm_roles
    if leads != should_lead:
        wrong.append("realm role")

    def write() -> None:
        keycloak.put(f"{path}/users/{have['id']}", wanted)
        if leads != should_lead:
            role = [keycloak.get(f"{path}/roles/{FACILITATOR}")]
            mappings = f"{path}/users/{have['id']}/role-mappings/realm"
            (keycloak.post if should_lead else keycloak.delete)(mappings, role)

    ledger.settle(PART, "user", user.username, exists=True, equal=not wrong, act=write, note=", ".join(wrong))


def _remove(keycloak: RealmAdmin, path: str, ledger: Ledger, user: dict[str, Any]) -> None:
    ledger.removed(PART, "user", user["username"], partial(keycloak.delete, f"{path}/users/{user['id']}"))


def _pages(keycloak: RealmAdmin, path: str, **query: str) -> Iterator[dict[str, Any]]:
    first = 0
    while True:
        page = keycloak.get(path, first=first, max=_PAGE, **query) or []
        yield from page
        if len(page) < _PAGE:
            return
        first += _PAGE


def _each(act: Callable[[Any], None], items: Sequence[Any], *, at_once: int = CONNECTIONS) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(act, items))


def _done() -> None:
    return None
