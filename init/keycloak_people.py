"""Keycloak's people: created in batches, their password set once, and only those that init made ever removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from fastmcp_vault.errors import KeycloakRefused
from init.keycloak_admin import CONNECTIONS, RealmAdmin
from init.keycloak_realm import FACILITATOR
from init.ledger import Ledger
from init.users import Entitled, User

PART: Final = "keycloak"
OURS = "managed-by-init"
"""The group of those whom init made."""

OWN_PASSWORD = "UPDATE_PASSWORD"  # noqa: S105 - Keycloak's name for it
"""The required action that makes a password good for one sign-in."""

_PAGE = 1000
_BATCH = 50
_IMPORTS = 4
"""Batches at once: hashing passwords is nearly all of an import, and one batch hashes on one core."""


class PeoplesAccounts(NamedTuple):
    """The people's ids (the ``sub`` claim) by username, and who of them an administrator has disabled.

    ``people``: who they are, where a group of Keycloak says it and no users file; ``left``: who of them is left alone,
    and why.
    """

    ids: Mapping[str, str]
    disabled: frozenset[str] = frozenset()
    people: tuple[Entitled, ...] = ()
    left: tuple[tuple[str, str], ...] = ()


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
        users = pool.submit(list, pages(keycloak, f"{realm}/users", briefRepresentation="true"))
        leaders = pool.submit(list, pages(keycloak, f"{realm}/roles/{FACILITATOR}/users"))
        ours = list(pages(keycloak, f"{realm}/groups/{group}/members", briefRepresentation="true")) if group else []
        return Found(
            users={user["username"]: user for user in users.result()},
            ours=frozenset(user["id"] for user in ours),
            facilitators=frozenset(user["id"] for user in leaders.result()),
            group=group,
        )


def provision(
    keycloak: RealmAdmin,
    realm: str,
    users: Sequence[User],
    known: Found,
    ledger: Ledger,
    bound: Mapping[str, str] | None = None,
) -> PeoplesAccounts:
    """Bring the people to what ``users`` say; their accounts.

    ``bound``: the name of each account's entity in Vault, by the account's id. Who somebody is is decided by it: an
    account that was renamed is named in the ledger and left alone, and nobody gets what is another person's.
    """
    path = f"/{realm}"
    ledger.settle(
        PART,
        "group",
        OURS,
        exists=bool(known.group),
        equal=True,
        act=partial(keycloak.post, f"{path}/groups", {"name": OURS}),
    )
    sorted_out = sort_out(users, known, bound or {})
    wanted = {user.username for user in users}
    strangers = [account for name, account in sorted(known.users.items()) if name not in wanted]
    _refuse_taken_addresses(users, [one for one in strangers if one["id"] not in known.ours], sorted_out.accounts)
    for name, note in sorted_out.left:
        ledger.left(PART, "user", name, note=note)
    _each(partial(_let_go, keycloak, path, known, ledger), sorted_out.let_go)
    # New people last: an address that somebody gives up is free by then.
    gone = [one for one in strangers if one["id"] in known.ours and one["id"] not in sorted_out.renamed]
    _each(partial(_remove, keycloak, path, ledger), gone)
    _each(
        partial(_update, keycloak, path, known, ledger),
        [(user, sorted_out.accounts[user.username]) for user in users if user.username in sorted_out.settled],
    )
    missing = [user for user in users if user.username in sorted_out.missing]
    batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
    _each(partial(_create, keycloak, realm, ledger), batches, at_once=_IMPORTS)
    made = found(keycloak, path).users if missing and not ledger.dry_run else {}
    accounts = {**sorted_out.accounts, **{name: made[name] for name in sorted_out.missing if name in made}}
    return PeoplesAccounts(
        ids={name: account["id"] for name, account in accounts.items()},
        disabled=frozenset(name for name, account in accounts.items() if account.get("enabled") is False),
    )


@dataclass(frozen=True)
class SortedOut:
    """Which account is whose: ``accounts`` by the names of the users file.

    ``settled``: those that init may bring to the file; ``missing``: names without an account; ``renamed``: ids of
    accounts that have another name than they were made for; ``left``: what is told of accounts and names that are
    left alone; ``let_go``: renamed accounts whose person is not in the file any more.
    """

    accounts: Mapping[str, dict[str, Any]]
    settled: frozenset[str]
    missing: frozenset[str]
    renamed: frozenset[str]
    left: Sequence[tuple[str, str]]
    let_go: Sequence[dict[str, Any]]


def sort_out(users: Sequence[User], known: Found, bound: Mapping[str, str]) -> SortedOut:
    """Match the file's names with accounts: by the entity that an account is bound to, then by name."""
    wanted = {user.username for user in users}
    by_id = {account["id"]: account for account in known.users.values()}
    renamed = {sub: name for sub, name in bound.items() if sub in by_id and by_id[sub]["username"] != name}
    own = {name: by_id[sub] for sub, name in bound.items() if sub in by_id}
    orphaned = {name for sub, name in bound.items() if sub not in by_id}
    left = [
        (by_id[sub]["username"], f"is the renamed account of {name}; name it {name} again in Keycloak")
        for sub, name in sorted(renamed.items(), key=lambda one: one[1])
    ]
    accounts, settled, missing = {}, set(), set()
    for name in sorted(wanted):
        account = own.get(name) or known.users.get(name)
        if account is None:
            missing.add(name)
        elif name in own:
            accounts[name] = account
            settled |= set() if account["id"] in renamed else {name}
        elif account["id"] in renamed:
            left.append((name, f"this name is taken by the renamed account of {renamed[account['id']]}"))
        elif name in orphaned and account["id"] not in known.ours:
            left.append((name, "this account is not the one that Vault's entity belongs to; remove one of them"))
        else:
            accounts[name] = account
            settled.add(name)
    let_go = [by_id[sub] for sub, name in renamed.items() if name not in wanted and sub in known.ours]
    return SortedOut(accounts, frozenset(settled), frozenset(missing), frozenset(renamed), left, let_go)


def _refuse_taken_addresses(
    users: Sequence[User], strangers: Sequence[dict[str, Any]], accounts: Mapping[str, dict[str, Any]]
) -> None:
    """An import passes over a person whose address is another account's, without a word."""
    taken = {user["email"]: user["username"] for user in strangers if user.get("email")}
    for user in users:
        own = accounts.get(user.username, {}).get("username")
        if user.email.lower() in taken and taken[user.email.lower()] != own:
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
        "credentials": [{"type": "password", "value": user.password.get_secret_value(), "temporary": user.one_time}],
        "requiredActions": [OWN_PASSWORD] if user.one_time else [],
    }


def _profile(user: User) -> dict[str, str]:
    """Keycloak asks a person without a name for one at the first sign-in."""
    return {
        "email": user.email.lower(),
        "firstName": user.first_name or user.username.capitalize(),
        "lastName": user.last_name or user.username.capitalize(),
    }


def _update(
    keycloak: RealmAdmin, path: str, known: Found, ledger: Ledger, settled: tuple[User, dict[str, Any]]
) -> None:
    """A profile follows the file; a password is set once and then the person's own."""
    user, have = settled
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


def _let_go(keycloak: RealmAdmin, path: str, known: Found, ledger: Ledger, user: dict[str, Any]) -> None:
    """A renamed account whose person left the file is not init's any more, so that no later run removes it."""
    act = partial(keycloak.delete, f"{path}/users/{user['id']}/groups/{known.group}")
    ledger.changed(PART, "user", user["username"], act, note="renamed, and no longer init's")


def pages(keycloak: RealmAdmin, path: str, **query: str) -> Iterator[dict[str, Any]]:
    """Everything that a list of Keycloak's holds."""
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
