"""Keycloak's part: realm, scopes and clients as :mod:`init.keycloak_realm` has them, then the people."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from init import (
    client_documents,
    keycloak_grants,
    keycloak_group,
    keycloak_levels,
    keycloak_people,
    keycloak_realm,
    keycloak_registration,
)
from init.client_documents import Document, DocumentUnread
from init.keycloak_admin import RealmAdmin
from init.keycloak_admin import check_ready as keycloak_serves
from init.keycloak_people import PeoplesAccounts
from init.keycloak_realm import APPLICATIONS_SCOPE, FACILITATOR, OURS, ROLES_SCOPE, VIEW_APPLICATIONS
from init.ledger import Ledger
from init.settings import InitSettings
from init.users import User

PART: Final = "keycloak"

_log = logging.getLogger(__name__)


def check_ready(settings: InitSettings) -> None:
    """Return when Keycloak serves requests. Raises KeycloakUnavailable."""
    keycloak_serves(settings.keycloak_url)


def provision(
    settings: InitSettings,
    users: Sequence[User],
    ledger: Ledger,
    *,
    realm_stands: Callable[[], object] = lambda: None,
    bound: Callable[[], Mapping[str, str]] = dict,
) -> PeoplesAccounts:
    """Bring the realm to what is wanted; the people's accounts.

    ``realm_stands`` is called when only the people are missing, then ``bound``: see :func:`keycloak_people.provision`.

    Raises KeycloakUnavailable, KeycloakRefused, ConfigError.
    """
    keycloak = RealmAdmin.of(settings)
    try:
        keycloak.log_in()
        there = _realm(settings, keycloak, ledger)
        if not there and ledger.dry_run:
            _plan_a_new_realm(settings, users, ledger)
            return PeoplesAccounts({})
        with ThreadPoolExecutor(2) as pool:
            people = pool.submit(keycloak_people.found, keycloak, f"/{settings.keycloak_realm}")
            _role(keycloak, f"/{settings.keycloak_realm}", ledger)
            scopes = _scopes(keycloak, f"/{settings.keycloak_realm}", ledger)
            flow = keycloak_levels.provision(keycloak, f"/{settings.keycloak_realm}", ledger, new=not there)
            _clients(settings, keycloak, scopes, flow, ledger)
            keycloak_grants.provision(keycloak, f"/{settings.keycloak_realm}", scopes.get("offline_access"), ledger)
            known = people.result()
        realm_stands()
        if settings.people_group:
            return keycloak_group.people(keycloak, settings, known, bound())
        return keycloak_people.provision(keycloak, settings.keycloak_realm, users, known, ledger, bound())
    finally:
        keycloak.close()


def faults(found: dict[str, Any] | None, wanted: dict[str, Any]) -> list[str]:
    """The wanted fields that are not as wanted; in nested objects too, where Keycloak adds fields of its own."""
    wrong = []
    for key, value in wanted.items():
        have = (found or {}).get(key)
        if isinstance(value, dict):
            wrong += [f"{key}.{inner}" for inner in faults(have if isinstance(have, dict) else {}, value)]
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            wrong += [key] if sorted(have or []) != sorted(value) else []
        elif isinstance(value, list):
            named = {item["name"]: item for item in have or []}
            wrong += [f"{key}.{inner}" for item in value for inner in faults(named.get(item["name"]), item)]
        elif have != value:
            wrong.append(key)
    return wrong


def _realm(settings: InitSettings, keycloak: RealmAdmin, ledger: Ledger) -> bool:
    wanted = keycloak_realm.realm(settings)
    path = f"/{settings.keycloak_realm}"
    found = keycloak.get(path)
    wrong = faults(found, wanted)
    act: Callable[[], Any] = partial(keycloak.put, path, wanted)
    if not found:
        act = partial(keycloak.post, "", wanted | keycloak_levels.with_realm())
    _settle(ledger, "realm", settings.keycloak_realm, found, wrong, act)
    return found is not None


def _plan_a_new_realm(settings: InitSettings, users: Sequence[User], ledger: Ledger) -> None:
    names = {
        "role": [FACILITATOR],
        "scope": list(keycloak_realm.scopes()),
        "sign-in flow": [keycloak_levels.FLOW],
        "client": [*keycloak_realm.clients(settings), *_documents(settings)[0]],
        "user": [user.username for user in users],
    }
    for kind, every in names.items():
        for name in every:
            ledger.created(PART, kind, name, _nothing)


def _role(keycloak: RealmAdmin, realm: str, ledger: Ledger) -> None:
    found = keycloak.get(f"{realm}/roles/{FACILITATOR}")
    wanted = {"name": FACILITATOR, "description": "Leads a workshop"}
    _settle(ledger, "role", FACILITATOR, found, [], partial(keycloak.post, f"{realm}/roles", wanted))


def _scopes(keycloak: RealmAdmin, realm: str, ledger: Ledger) -> dict[str, str]:
    """Every client scope's id by name."""
    found = {scope["name"]: scope for scope in keycloak.get(f"{realm}/client-scopes")}
    for name, wanted in keycloak_realm.scopes().items():
        have = found.get(name)
        plain = {key: value for key, value in wanted.items() if key != "protocolMappers"}
        there = {m["name"]: m for m in (have or {}).get("protocolMappers", [])}
        wrong = faults(have, plain)
        wrong += [f"mapper {m['name']}" for m in wanted["protocolMappers"] if faults(there.get(m["name"]), m)]
        act = partial(_write_scope, keycloak, f"{realm}/client-scopes", have, there, wanted)
        _settle(ledger, "scope", name, have, wrong, act)
    for name in sorted(found.keys() - keycloak_realm.scopes().keys()):
        if keycloak_realm.of_a_server(found[name]):
            ledger.removed(
                PART, "scope", name, partial(keycloak.delete, f"{realm}/client-scopes/{found.pop(name)['id']}")
            )
    if not keycloak_realm.scopes().keys() <= found.keys():
        found = {scope["name"]: scope for scope in keycloak.get(f"{realm}/client-scopes")}
    ids = {name: scope["id"] for name, scope in found.items()}
    keycloak_registration.provision(keycloak, realm, ids, ledger)
    if ROLES_SCOPE in ids:
        _facilitator_sees_their_role(keycloak, realm, ids[ROLES_SCOPE], ledger)
    if APPLICATIONS_SCOPE in ids:
        _people_see_their_applications(keycloak, realm, ids[APPLICATIONS_SCOPE], ledger)
    return ids


def _write_scope(
    keycloak: RealmAdmin,
    path: str,
    have: dict[str, Any] | None,
    mappers: dict[str, dict[str, Any]],
    wanted: dict[str, Any],
) -> None:
    if have is None:
        keycloak.post(path, wanted)
        return
    keycloak.put(
        f"{path}/{have['id']}", have | wanted | {"attributes": have.get("attributes", {}) | wanted["attributes"]}
    )
    models = f"{path}/{have['id']}/protocol-mappers/models"
    for new in wanted["protocolMappers"]:
        there = mappers.get(new["name"])
        if there is None:
            keycloak.post(models, new)
        elif faults(there, new):
            keycloak.put(f"{models}/{there['id']}", there | new)


def _facilitator_sees_their_role(keycloak: RealmAdmin, realm: str, scope: str, ledger: Ledger) -> None:
    """Bound to the role, the scope applies to those who have it: nobody else's token speaks of roles."""
    path = f"{realm}/client-scopes/{scope}/scope-mappings/realm"
    there = any(role["name"] == FACILITATOR for role in keycloak.get(path))
    bind = partial(_bind_role, keycloak, realm, path)
    ledger.settle(PART, "scope's role", f"{ROLES_SCOPE}: {FACILITATOR}", exists=there, equal=True, act=bind)


def _people_see_their_applications(keycloak: RealmAdmin, realm: str, scope: str, ledger: Ledger) -> None:
    """Everybody may see the list of programs that they signed in to, by a token with that scope and no other right."""
    client, name = VIEW_APPLICATIONS
    (account,) = keycloak.get(f"{realm}/clients", clientId=client)
    role = keycloak.get(f"{realm}/clients/{account['id']}/roles/{name}")
    everybody = keycloak.get(f"{realm}/roles/default-roles-{realm.strip('/')}")
    for kind, path, holder in (
        ("scope's role", f"{realm}/client-scopes/{scope}/scope-mappings/clients/{account['id']}", APPLICATIONS_SCOPE),
        ("everybody's role", f"{realm}/roles-by-id/{everybody['id']}/composites", everybody["name"]),
    ):
        there = any(found["id"] == role["id"] for found in keycloak.get(path))
        act = partial(keycloak.post, path, [role])
        ledger.settle(PART, kind, f"{holder}: {name}", exists=there, equal=True, act=act)


def _bind_role(keycloak: RealmAdmin, realm: str, path: str) -> None:
    keycloak.post(path, [keycloak.get(f"{realm}/roles/{FACILITATOR}")])


def _clients(settings: InitSettings, keycloak: RealmAdmin, scopes: dict[str, str], flow: str, ledger: Ledger) -> None:
    path = f"/{settings.keycloak_realm}/clients"
    found = {client["clientId"]: client for client in keycloak.get(path, max=1000)}
    documents, unread = _documents(settings)
    wanted = keycloak_realm.clients(settings, sign_in_flow=flow) | documents
    for name in sorted(documents.keys() & found.keys()):
        if not _ours(found[name]):
            # Somebody else's client by that name may hold a token to change itself: it is not mended but made anew.
            ledger.removed(PART, "client", name, partial(keycloak.delete, f"{path}/{found.pop(name)['id']}"))
    for name, client in wanted.items():
        have = found.get(name)
        act = partial(_write_client, keycloak, path, have, client, scopes)
        _settle(ledger, "client", name, have, faults(have, client), act)
    for name in sorted(found.keys() - wanted.keys() - unread):
        if _ours(found[name]):
            ledger.removed(PART, "client", name, partial(keycloak.delete, f"{path}/{found[name]['id']}"))


def _ours(client: dict[str, Any]) -> bool:
    return faults(client.get("attributes"), OURS) == []


def _documents(settings: InitSettings) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Clients from their metadata documents, by id; and the documents that could not be read.

    A document that is refused makes no client, and one that it made before is removed.
    """
    authority = str(settings.client_documents_ca) if settings.client_documents_ca else True
    found = client_documents.read_all(settings.client_documents.split(), local=settings.demo, authority=authority)
    for outcome in found.values():
        if not isinstance(outcome, Document):
            _log.warning("%s", outcome)
    wanted = {
        address: keycloak_realm.document_client(document)
        for address, document in found.items()
        if isinstance(document, Document)
    }
    return wanted, {address for address, outcome in found.items() if isinstance(outcome, DocumentUnread)}


def _write_client(
    keycloak: RealmAdmin, path: str, have: dict[str, Any] | None, wanted: dict[str, Any], scopes: dict[str, str]
) -> None:
    if have is None:
        keycloak.post(path, wanted)
        return
    attributes = have.get("attributes", {}) | wanted["attributes"]
    keycloak.put(f"{path}/{have['id']}", have | wanted | {"attributes": attributes})
    # Keycloak takes a client's scopes from its representation only when the client is new.
    for kind in ("default", "optional"):
        field = f"{kind}ClientScopes"
        for name in set(have.get(field, [])) - set(wanted[field]):
            keycloak.delete(f"{path}/{have['id']}/{kind}-client-scopes/{scopes[name]}")
    for kind in ("default", "optional"):
        field = f"{kind}ClientScopes"
        for name in set(wanted[field]) - set(have.get(field, [])):
            keycloak.put(f"{path}/{have['id']}/{kind}-client-scopes/{scopes[name]}", {})


def _settle(ledger: Ledger, kind: str, name: str, found: Any, wrong: list[str], act: Callable[[], Any]) -> None:
    note = ", ".join(wrong) if found else ""
    ledger.settle(PART, kind, name, exists=bool(found), equal=not wrong, act=act, note=note)


def _nothing() -> None:
    return None
