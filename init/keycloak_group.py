"""People whom the company's own Keycloak knows: the members of one group; their accounts are only read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastmcp_vault.errors import InputError
from init.keycloak_admin import RealmAdmin
from init.keycloak_people import Found, PeoplesAccounts, pages
from init.settings import InitSettings
from init.users import GRANTS, NAME, Entitled

_NO_NAME = "the name cannot be a part of a Vault path: lower-case letters, digits, '-' and '_', 31 characters at most"
_ANOTHERS = "this name is another account's in Vault; name one of them otherwise"
_ORPHANED = "the account that Vault knows by this name is gone; remove Vault's entity if this is the same person"


def people(keycloak: RealmAdmin, settings: InitSettings, known: Found, bound: Mapping[str, str]) -> PeoplesAccounts:
    """The members of ``people_group`` and of its subgroups (Keycloak's Admin REST API: group-by-path, groups).

    A subgroup that is named as a right of the database gives it to its members. Who somebody is is decided by their
    id: ``bound`` has each account's name in Vault, which stays theirs when the account is renamed. Whoever has no name
    that Vault could use, or another person's, is left alone.

    Raises InputError when there is no such group.
    """
    realm = f"/{settings.keycloak_realm}"
    group = keycloak.get(f"{realm}/group-by-path/{settings.people_group.strip('/')}")
    if not group:
        raise InputError(
            f"There is no group {settings.people_group} in the realm {settings.keycloak_realm}.",
            fix="Make it in Keycloak and put your people into it, or set PEOPLE_GROUP to the path of the one there is.",
        )
    accounts, grants = _members(keycloak, realm, group["id"])
    owners = {name: sub for sub, name in bound.items()}
    there = {account["id"] for account in known.users.values()}
    ids: dict[str, str] = {}
    staying: set[str] = set()
    left = []
    for sub, account in sorted(accounts.items(), key=lambda one: str(one[1]["username"])):
        name = bound.get(sub, account["username"])
        owner = owners.get(name, sub)
        if not NAME.fullmatch(name):
            left.append((name, _NO_NAME))
        elif owner == sub:
            ids[name] = sub
        elif owner in there:
            left.append((name, _ANOTHERS))
        else:
            staying.add(name)
            left.append((name, _ORPHANED))
    return PeoplesAccounts(
        ids=ids,
        disabled=frozenset(name for name, sub in ids.items() if accounts[sub].get("enabled") is False),
        left=tuple(left),
        people=tuple(_entitled(name, grants.get(ids.get(name, ""), ())) for name in sorted({*ids, *staying})),
    )


def _members(
    keycloak: RealmAdmin, realm: str, group: str
) -> tuple[dict[str, dict[str, Any]], dict[str, tuple[str, ...]]]:
    """The accounts by id, and the rights in the database of each."""
    accounts: dict[str, dict[str, Any]] = {}
    grants: dict[str, tuple[str, ...]] = {}
    subgroups = pages(keycloak, f"{realm}/groups/{group}/children", briefRepresentation="true")
    for name, found in (("", group), *((one["name"], one["id"]) for one in subgroups)):
        for account in _of(keycloak, realm, found):
            accounts[account["id"]] = account
            if name in GRANTS:
                grants[account["id"]] = (*grants.get(account["id"], ()), name)
    return accounts, grants


def _of(keycloak: RealmAdmin, realm: str, group: str) -> Iterator[dict[str, Any]]:
    return pages(keycloak, f"{realm}/groups/{group}/members", briefRepresentation="true")


def _entitled(name: str, grants: tuple[str, ...]) -> Entitled:
    held = {"postgres": {"grants": grants}} if grants else {}
    return Entitled.model_validate({"username": name, "entitlements": held})
