"""The realm as it should be: its settings, scopes and clients, as data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from common.servers import MCP_SERVERS
from fastmcp_vault.levels import LEVELS
from init.client_documents import Document
from init.keycloak_grants import LAB
from init.keycloak_registration import OFFERED, UNLISTED
from init.settings import InitSettings

FACILITATOR = "facilitator"
ROLES_SCOPE = "realm-roles"
TOKENS_SCOPE = "tokens:issue"
APPLICATIONS_SCOPE = "account:applications"
"""For the app: which programs its person has signed in to, and their names (Keycloak account API)."""
VIEW_APPLICATIONS = ("account", "view-applications")
"""Keycloak's own client and its role that this needs."""
OURS = {"managed-by": "init"}
"""The attribute of the clients that init made: one of them that is no longer wanted is removed."""

RECORDED = ("CLIENT_REGISTER", "LOGIN")
RECORDED_DAYS = 90
"""What Keycloak writes down, and for how long: by it, `./demo clients prune` knows which clients are still used."""

OFFLINE_SECONDS = 90 * 86_400
"""How long an offline session (a chatbot's) lives at most: less than the shared state remembers that one has ended."""

AGENTS_AUDIENCE = "biz-service"
AGENT_SCOPES = {
    "agent:commands": "Read an agent's commands",
    "agent:results": "Report on an agent's commands",
    "agent:dispatch": "Give commands to agents",
}
"""What agents may ask Keycloak for, where the business service accepts its tokens."""

_BASIC = ["basic", "profile", "email", "acr"]
"""Keycloak's own scopes that every client of ours has. Not `roles`: it would add audiences by itself."""


def realm(settings: InitSettings) -> dict[str, Any]:
    """The realm's own settings. Times in seconds."""
    # The demo's passwords are published: hashing ten thousand of them with Argon2 would take an hour and hide nothing.
    cheap = {"passwordPolicy": "hashAlgorithm(pbkdf2-sha512) and hashIterations(10000)"} if settings.demo else {}
    return cheap | {
        "realm": settings.keycloak_realm,
        "enabled": True,
        "displayName": "MCP Remote Vault",
        "sslRequired": "none" if settings.demo else "external",
        "registrationAllowed": False,
        "duplicateEmailsAllowed": False,
        "editUsernameAllowed": False,
        "accessTokenLifespan": 300,
        "ssoSessionIdleTimeout": 1800,
        "ssoSessionMaxLifespan": 36000,
        # A refresh token is good once (OAuth 2.1 §4.3.1): one used again ends its client's part of the session.
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "offlineSessionIdleTimeout": 30 * 86_400,
        "offlineSessionMaxLifespanEnabled": True,
        "offlineSessionMaxLifespan": OFFLINE_SECONDS,
        "defaultSignatureAlgorithm": "RS256",
        "eventsEnabled": True,
        "enabledEventTypes": list(RECORDED),
        "eventsExpiration": RECORDED_DAYS * 86_400,
        # Guessing is slowed down; a workshop's typing mistakes lock nobody out for long.
        "bruteForceProtected": True,
        "permanentLockout": False,
        "failureFactor": 10,
        "waitIncrementSeconds": 10,
        "maxFailureWaitSeconds": 60,
        "minimumQuickLoginWaitSeconds": 5,
    }


def scopes() -> dict[str, dict[str, Any]]:
    """Client scopes by name: each MCP server's two, the token API's, Vault's, and the one that shows a role."""
    wanted = {}
    for server in MCP_SERVERS:
        client = f"mcp-{server}"
        wanted[f"mcp:{server}"] = _scope(f"Use the {server} tools", _audience(client), *_WHO)
        wanted[f"mcp:{server}:write"] = _scope(f"Change things with the {server} tools", _audience(client), *_WHO)
    wanted[TOKENS_SCOPE] = _scope("Make tokens for your programs", _audience("token-api"))
    for scope, text in AGENT_SCOPES.items():
        wanted[scope] = _scope(text, _audience(AGENTS_AUDIENCE))
    wanted[APPLICATIONS_SCOPE] = _scope(
        "See which programs you have signed in to", _audience("account"), _account_roles()
    )
    wanted["vault:login"] = _scope("Log in to Vault", _audience("vault"))
    wanted[ROLES_SCOPE] = _scope("Your role in the workshop", _realm_roles(), shown=False)
    for name, found in wanted.items():
        found["attributes"] |= {} if name.startswith("mcp:") else UNLISTED
    return {name: {"name": name, **found} for name, found in wanted.items()}


def of_a_server(scope: Mapping[str, Any]) -> bool:
    """Whether this client scope is one that :func:`scopes` makes for an MCP server, by its name and its mapper."""
    named = re.fullmatch(r"mcp:([a-z][a-z0-9-]*)(:write)?", scope["name"])
    mappers = {mapper["name"] for mapper in scope.get("protocolMappers", [])}
    return named is not None and f"audience mcp-{named[1]}" in mappers


def clients(settings: InitSettings, *, sign_in_flow: str = "") -> dict[str, dict[str, Any]]:
    """Clients by id, with the names of their scopes; lab clients in the demo profile only.

    ``sign_in_flow``: the id of the flow by which people sign in to the app, with levels.
    """
    tools = [name for name in scopes() if name.startswith("mcp:")]
    wanted = [
        _client("vault", "Vault: an audience, nobody logs in as it", None),
        _client(AGENTS_AUDIENCE, "Business service: an audience, nobody logs in as it", None),
        _client("token-api", "Token API: an audience, nobody logs in as it", None),
        _app(settings, [*tools, TOKENS_SCOPE, APPLICATIONS_SCOPE, "vault:login"], sign_in_flow),
        *(
            _client(
                f"mcp-{server}",
                f"MCP server: {server}",
                settings.server_secret(server),
                attributes=_EXCHANGES | _FOR_VAULT,
                optional=["vault:login"],
            )
            for server in MCP_SERVERS
        ),
        _client(
            "chatbot-relay",
            "Login relay for chatbots",
            settings.chatbot_relay_client_secret,
            redirects=[f"{settings.relay_public_url.rstrip('/')}/oidc/callback"],
            attributes=_EXCHANGES | _PKCE,
            optional=["offline_access", "mcp:jira"],
            # What it gets acts for its person for months: Keycloak asks them, whoever sent them there.
            consentRequired=True,
            protocolMappers=[_audience("chatbot-relay")],
        ),
        *(_labs(settings) if settings.demo else ()),
    ]
    return {client["clientId"]: client for client in wanted}


def agent_client(name: str, scopes: Sequence[str]) -> dict[str, Any]:
    """An agent as a client of Keycloak's: known by its certificate, its tokens bound to it (RFC 8705 §2.1, §3).

    Not init's own: `./demo init` leaves it alone.
    """
    subject = rf"CN={re.escape(name)},\s*OU=agents,\s*O=MCP Remote Vault"
    return _client(
        f"agent-{name}",
        f"Agent {name}",
        None,
        attributes={
            "managed-by": "demo-agent",
            "x509.subjectdn": subject,
            "x509.allow.regex.pattern.comparison": "true",
            "tls.client.certificate.bound.access.tokens": "true",
        },
        default=list(scopes),
        clientAuthenticatorType="client-x509",
        serviceAccountsEnabled=True,
    )


def document_client(document: Document) -> dict[str, Any]:
    """A client as its metadata document describes it, in the form that one which registers itself gets."""
    client = _client(
        document.address,
        f"{document.name} ({document.host})",
        None,
        redirects=sorted(document.redirects),
        attributes=_PKCE,
        optional=list(document.scopes),
        publicClient=True,
        clientAuthenticatorType="none",
        consentRequired=True,
    )
    return client | {"defaultClientScopes": sorted(OFFERED["default"])}


_PKCE = {"pkce.code.challenge.method": "S256"}
_EXCHANGES = {"standard.token.exchange.enabled": "true"}
_FOR_VAULT = {"access.token.lifespan": "60"}
"""Seconds that a token for Vault lives: it is used at once, and Vault would take it after its session's end, too."""


def _app(settings: InitSettings, optional: list[str], sign_in_flow: str) -> dict[str, Any]:
    public = settings.app_public_url.rstrip("/")
    return _client(
        "mcp-demo-app",
        "MCP Remote Vault",
        settings.app_client_secret,
        redirects=[f"{public}/auth/callback"],
        attributes=_EXCHANGES
        | _PKCE
        | {
            "acr.loa.map": json.dumps({name: number for number, name in enumerate(LEVELS, 1)}),
            "post.logout.redirect.uris": f"{public}/",
            "backchannel.logout.url": f"{settings.app_for_keycloak}/auth/backchannel-logout",
            "backchannel.logout.session.required": "true",
        },
        default=[ROLES_SCOPE],
        optional=optional,
        authenticationFlowBindingOverrides={"browser": sign_in_flow},
    )


def _labs(settings: InitSettings) -> list[dict[str, Any]]:
    """Clients that sign people in by password, for tests and the attack lab: each for one scope."""
    scoped = {f"lab-{server}": ([f"mcp:{server}"], [f"mcp:{server}:write"]) for server in MCP_SERVERS}
    scoped |= {"lab-vault": (["vault:login"], []), "lab-app": ([], [])}
    scoped |= {"lab-short": (["mcp:jira"], []), "lab-early": (["mcp:jira"], [])}
    return [
        _client(
            name,
            "Attack lab and tests",
            settings.lab_client_secret,
            default=default,
            optional=optional,
            directAccessGrantsEnabled=True,
            **(_ODD_LABS.get(name, {}) | {"attributes": LAB | _ODD_LABS.get(name, {}).get("attributes", {})}),
        )
        for name, (default, optional) in scoped.items()
    ]


_NEVER = 4_102_444_800
"""2100-01-01, in seconds since the epoch."""

_ODD_LABS: dict[str, dict[str, Any]] = {
    # May exchange, so that Keycloak's refusal is about the token and not about the client.
    "lab-app": {"attributes": {"standard.token.exchange.enabled": "true"}},
    "lab-short": {"attributes": {"access.token.lifespan": "1"}},
    "lab-early": {
        "protocolMappers": [
            {
                "name": "not before 2100",
                "protocol": "openid-connect",
                "protocolMapper": "oidc-hardcoded-claim-mapper",
                "config": {
                    "claim.name": "nbf",
                    "claim.value": str(_NEVER),
                    "jsonType.label": "long",
                    "access.token.claim": "true",
                    "id.token.claim": "false",
                },
            }
        ]
    },
}
"""Lab clients whose tokens are genuine and yet not good: over after a second, or not begun."""


def _client(
    client_id: str,
    name: str,
    secret: SecretStr | None,
    *,
    redirects: list[str] | None = None,
    attributes: dict[str, str] | None = None,
    default: list[str] | None = None,
    optional: list[str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A confidential client; it has a login flow only if it has somewhere to redirect to."""
    client = {
        "clientId": client_id,
        "name": name,
        "protocol": "openid-connect",
        "enabled": True,
        "publicClient": False,
        "bearerOnly": False,
        "standardFlowEnabled": bool(redirects),
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "consentRequired": False,
        "frontchannelLogout": False,
        "fullScopeAllowed": False,
        "redirectUris": redirects or [],
        "webOrigins": [],
        "attributes": OURS | (attributes or {}),
        "defaultClientScopes": sorted([*_BASIC, *(default or [])]),
        "optionalClientScopes": sorted(optional or []),
        **more,
    }
    return client if secret is None else client | {"secret": secret.get_secret_value()}


def _scope(text: str, *mappers: dict[str, Any], shown: bool = True) -> dict[str, Any]:
    return {
        "description": text,
        "protocol": "openid-connect",
        "attributes": {
            "include.in.token.scope": str(shown).lower(),
            "display.on.consent.screen": str(shown).lower(),
            "consent.screen.text": text,
        },
        "protocolMappers": list(mappers),
    }


def _audience(client: str) -> dict[str, Any]:
    return _mapper(
        f"audience {client}",
        "oidc-audience-mapper",
        {"included.client.audience": client, "id.token.claim": "false"},
    )


def _realm_roles() -> dict[str, Any]:
    return _mapper(
        "realm roles",
        "oidc-usermodel-realm-role-mapper",
        {
            "claim.name": "realm_access.roles",
            "jsonType.label": "String",
            "multivalued": "true",
            "id.token.claim": "false",
        },
    )


def _account_roles() -> dict[str, Any]:
    return _mapper(
        "account roles",
        "oidc-usermodel-client-role-mapper",
        {
            "usermodel.clientRoleMapping.clientId": VIEW_APPLICATIONS[0],
            "claim.name": "resource_access.account.roles",
            "jsonType.label": "String",
            "multivalued": "true",
            "id.token.claim": "false",
        },
    )


def _mapper(name: str, kind: str, config: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": kind,
        "config": config | {"access.token.claim": "true", "introspection.token.claim": "true"},
    }


def _claim_of_user(claim: str, attribute: str) -> dict[str, Any]:
    config = {"user.attribute": attribute, "claim.name": claim, "jsonType.label": "String", "id.token.claim": "false"}
    return _mapper(claim, "oidc-usermodel-attribute-mapper", config)


_WHO = (
    _claim_of_user("preferred_username", "username"),
    _claim_of_user("email", "email"),
    _mapper("acr", "oidc-acr-mapper", {"id.token.claim": "false"}),
)
"""Who it is, for a tool's answer. In the scope itself: a client that names its scopes when it registers is given
those and none of the default ones that would say it."""
