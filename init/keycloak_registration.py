"""Clients that register themselves (RFC 7591, MCP authorization): what Keycloak lets a stranger have.

Three layers, each Keycloak's own: the scopes that a new client is offered, the registration policies for callers
without a token, and a client profile that every registration, and every later change by the client, has to pass.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from common.servers import MCP_SERVERS
from init import keycloak_grants
from init.keycloak_admin import RealmAdmin
from init.ledger import Ledger

PART: Final = "keycloak"
NAME = "mcp-clients"
"""The profile and the policy that holds registered clients to it."""

CLIENT_LIMIT = 500
"""Clients in the realm, ours included; beyond it nobody can register (Keycloak's own default: 200)."""

OFFERED = {
    "default": ["acr", "basic", "email", "profile", "web-origins"],
    "optional": [name for server in MCP_SERVERS for name in (f"mcp:{server}", f"mcp:{server}:write")],
}
"""The scopes of a new client. Not `roles`, which would add audiences by itself; not `offline_access`, `vault:login`."""

HTTPS = r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[^*#\\\s]*)?"
LOOPBACK = r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?(/[^*#\\\s]*)?"
"""Where a browser may be sent back to: https, or a loopback address (RFC 8252 §7.3); never a pattern."""

_SHOWN = ["redirectUris", "baseUrl", "webOrigins", "logoUri", "policyUri", "tosUri", "postLogoutRedirectUris"]
"""Where a browser goes."""

_FETCHED = [
    "rootUrl",
    "adminUrl",
    "jwksUri",
    "requestUris",
    "sectorIdentifierUri",
    "backchannelLogoutUrl",
    "cibaClientNotificationEndpoint",
]
"""What Keycloak itself would call or build on: nothing a stranger may name (server-side request forgery)."""

_LISTED = "include.in.openid.provider.metadata"
UNLISTED = {_LISTED: "false"}
"""Attribute of a scope that `scopes_supported` is not to name: clients ask for what is named there (MCP SEP-2207)."""

_POLICY_TYPE = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy"


def profile() -> dict[str, Any]:
    """The executors that a registered client has to pass (Keycloak, client policies)."""
    executors: list[tuple[str, dict[str, Any]]] = [
        # Only public clients: a secret that anybody can ask for proves nothing, and no service accounts come with it.
        ("secure-client-authenticator", {"client-authns": ["none"], "is-augment": False}),
        ("pkce-enforcer", {"auto-configure": True}),
        ("consent-required", {"auto-configure": True}),
        ("full-scope-disabled", {"auto-configure": True}),
        ("reject-implicit-grant", {"auto-configure": True}),
        ("reject-ropc-grant", {"auto-configure": True}),
        ("secure-client-uris-pattern", {"client-uri-fields": _SHOWN, "allowed-patterns": [HTTPS, LOOPBACK]}),
        ("secure-client-uris-pattern", {"client-uri-fields": _FETCHED, "allowed-patterns": ["(?!)"]}),
    ]
    return {
        "name": NAME,
        "description": "Public, PKCE, consent, loopback or https redirects",
        "executors": [{"executor": name, "configuration": settings} for name, settings in executors],
    }


def policy() -> dict[str, Any]:
    """Whom the profile is for: whoever registers without an administrator, and what they change later."""
    sources = ["ByAnonymous", "ByInitialAccessToken", "ByRegistrationAccessToken"]
    condition = {"condition": "client-updater-context", "configuration": {"update-client-source": sources}}
    return {
        "name": NAME,
        "description": "Clients that register themselves",
        "enabled": True,
        "conditions": [condition],
        "profiles": [NAME],
    }


def provision(keycloak: RealmAdmin, realm: str, scopes: dict[str, str], ledger: Ledger) -> None:
    """Bring the realm at ``realm`` (a path) to all three; ``scopes``: every client scope's id by name.

    Raises KeycloakUnavailable, KeycloakRefused.
    """
    _offer(keycloak, realm, scopes, ledger)
    _unlist(keycloak, f"{realm}/client-scopes", scopes.get("offline_access"), ledger)
    for kind, wanted in (
        ("profiles", [profile(), keycloak_grants.profile()]),
        ("policies", [policy(), keycloak_grants.policy()]),
    ):
        keycloak_grants.named(keycloak, f"{realm}/client-policies", kind, NAME, wanted, ledger)
    _registration_policies(keycloak, realm, ledger)


def _offer(keycloak: RealmAdmin, realm: str, scopes: dict[str, str], ledger: Ledger) -> None:
    for kind, wanted in OFFERED.items():
        path = f"{realm}/default-{kind}-client-scopes"
        offered = {scope["name"]: scope["id"] for scope in keycloak.get(path)}
        for name in sorted(offered.keys() - set(wanted)):
            act = partial(keycloak.delete, f"{path}/{offered[name]}")
            ledger.changed(PART, "scopes of new clients", name, act, note="withdrawn")
        for name in wanted:
            there = name in offered
            act = partial(keycloak.put, f"{path}/{scopes.get(name, '')}", {})
            ledger.settle(PART, "scopes of new clients", name, exists=there, equal=True, act=act)


def _unlist(keycloak: RealmAdmin, path: str, scope: str | None, ledger: Ledger) -> None:
    """Nobody who registers may have `offline_access`, so nobody is invited to ask for it."""
    found = keycloak.get(f"{path}/{scope}") if scope else None
    if found:
        attributes = found.get("attributes", {})
        act = partial(keycloak.put, f"{path}/{scope}", found | {"attributes": attributes | UNLISTED})
        equal = attributes.get(_LISTED) == "false"
        ledger.settle(PART, "scope in metadata", found["name"], exists=True, equal=equal, act=act, note="unlisted")


def _registration_policies(keycloak: RealmAdmin, realm: str, ledger: Ledger) -> None:
    """What Keycloak checks of a caller without a token, by the kind of check; it made these with the realm."""
    every = keycloak.get(f"{realm}/components", type=_POLICY_TYPE)
    found = {entry["providerId"]: entry for entry in every if entry["subType"] == "anonymous"}
    # Which hosts may register: everybody's own machine is one, and what they may register is bounded below.
    if "trusted-hosts" in found:
        act = partial(keycloak.delete, f"{realm}/components/{found['trusted-hosts']['id']}")
        ledger.removed(PART, "registration policy", "trusted-hosts", act)
    wanted: dict[str, tuple[str, dict[str, list[str]]]] = {
        "consent-required": ("Consent Required", {}),
        "scope": ("Full Scope Disabled", {}),
        "max-clients": ("Max Clients Limit", {"max-clients": [str(CLIENT_LIMIT)]}),
        # No mapper at all: one could write any claim, such as `sub`, from what its owner may edit.
        "allowed-protocol-mappers": ("Allowed Protocol Mapper Types", {"allowed-protocol-mapper-types": []}),
        "allowed-client-templates": ("Allowed Client Scopes", {"allow-default-scopes": ["true"]}),
    }
    for kind, (name, settings) in wanted.items():
        _component(keycloak, realm, found.get(kind), kind, (name, settings), ledger)


def _component(
    keycloak: RealmAdmin,
    realm: str,
    have: dict[str, Any] | None,
    kind: str,
    wanted: tuple[str, dict[str, list[str]]],
    ledger: Ledger,
) -> None:
    name, settings = wanted
    config = {key: value for key, value in settings.items() if value}
    new = {"name": name, "providerId": kind, "providerType": _POLICY_TYPE, "subType": "anonymous", "config": settings}
    act: Callable[[], object]
    if have:
        act = partial(keycloak.put, f"{realm}/components/{have['id']}", have | {"config": settings})
    else:
        act = partial(keycloak.post, f"{realm}/components", new)
    equal = {key: value for key, value in (have or {}).get("config", {}).items() if value} == config
    ledger.settle(PART, "registration policy", kind, exists=bool(have), equal=equal, act=act)
