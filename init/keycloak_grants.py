"""The password grant and offline sessions: who may not have them, Keycloak's own built-in clients included.

A new realm's `admin-cli` trades a password for a token, and each of Keycloak's own clients may ask for
`offline_access`: a stolen password would become a token that outlives every session. Switched off at the client, and
refused once more by a client policy, for clients that somebody makes later.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

from init.keycloak_admin import RealmAdmin
from init.ledger import Ledger

PART: Final = "keycloak"
NAME = "mcp-password-grant"
"""The profile and the policy that refuse the password grant (RFC 6749 §4.3)."""

LAB = {"mcp.password.grant": "lab"}
"""Attribute of the clients that the policy lets through: the lab's, which exist in the demo profile only."""

BUILT_IN = ("account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console")
"""What Keycloak itself makes in every realm."""

_OFFLINE = "offline_access"
_SOURCES = ["ByAuthenticatedUser", "ByAnonymous", "ByInitialAccessToken", "ByRegistrationAccessToken"]


def profile() -> dict[str, Any]:
    """What is done about a password grant: it is refused."""
    executor = {"executor": "reject-ropc-grant", "configuration": {"auto-configure": False}}
    return {"name": NAME, "description": "No password grant", "executors": [executor]}


def policy() -> dict[str, Any]:
    """For every client but the lab's, when a token is asked for (not when an administrator edits a client)."""
    attribute = json.dumps([{"key": key, "value": value} for key, value in LAB.items()])
    conditions: list[tuple[str, dict[str, Any]]] = [
        ("client-updater-context", {"update-client-source": _SOURCES, "is-negative-logic": True}),
        ("client-attributes", {"attributes": attribute, "is-negative-logic": True}),
    ]
    return {
        "name": NAME,
        "description": "The password grant is for the lab's clients only",
        "enabled": True,
        "conditions": [{"condition": name, "configuration": settings} for name, settings in conditions],
        "profiles": [NAME],
    }


def provision(keycloak: RealmAdmin, realm: str, offline_scope: str | None, ledger: Ledger) -> None:
    """Take both from the built-in clients of the realm at ``realm`` (a path); ``offline_scope``: that scope's id.

    Raises KeycloakUnavailable, KeycloakRefused.
    """
    found = {client["clientId"]: client for client in keycloak.get(f"{realm}/clients", max=1000)}
    for name in BUILT_IN:
        if name in found:
            _settle(keycloak, f"{realm}/clients/{found[name]['id']}", found[name], offline_scope, ledger)


def _settle(keycloak: RealmAdmin, path: str, client: dict[str, Any], offline_scope: str | None, ledger: Ledger) -> None:
    # `admin-cli` has no other flow.
    wanted = {"directAccessGrantsEnabled": False} | ({"enabled": False} if client["clientId"] == "admin-cli" else {})
    wrong = [field for field, value in wanted.items() if client.get(field) != value]
    # A bearer-only client has no way to a token of its own, and Keycloak lets nobody edit `realm-management`.
    has_flow = not client.get("bearerOnly")
    kinds = [k for k in ("default", "optional") if has_flow and _OFFLINE in client.get(f"{k}ClientScopes", [])]

    def act() -> None:
        if wrong:
            keycloak.put(path, client | wanted)
        for kind in kinds:
            keycloak.delete(f"{path}/{kind}-client-scopes/{offline_scope}")

    note = ", ".join([*wrong, *([_OFFLINE] if kinds else [])])
    ledger.settle(PART, "built-in client", client["clientId"], exists=True, equal=not note, act=act, note=note)


def named(keycloak: RealmAdmin, path: str, kind: str, name: str, wanted: list[dict[str, Any]], ledger: Ledger) -> None:
    """``wanted`` among the entries of a list that Keycloak takes whole (``profiles``, ``policies``); others stay.

    In the ledger they are one object, ``name``.
    """
    found = keycloak.get(f"{path}/{kind}")
    ours = {entry["name"]: entry for entry in wanted}
    others = [entry for entry in found[kind] if entry["name"] not in ours]
    have = {entry["name"]: entry for entry in found[kind] if entry["name"] in ours}
    act = partial(keycloak.put, f"{path}/{kind}", {kind: [*others, *wanted]})
    ledger.settle(PART, f"client {kind}", name, exists=bool(have), equal=have == ours, act=act)
