"""Vault's part that is the same for everybody: mounts, the JWT login, policies, roles, the shop's connection."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, Final

from common.servers import MCP_SERVERS
from fastmcp_vault.errors import VaultError
from fastmcp_vault.vault.admin import VaultAdmin
from init import postgres
from init.ledger import Ledger
from init.settings import InitSettings
from init.shop import SHOP
from init.vault_policies import POLICIES
from init.waiting import wait_until_ready

PART: Final = "vault"
_log = logging.getLogger(__name__)
CORRELATION_HEADER = "X-Correlation-Id"

_JWT = "auth/jwt"
MOUNTS: dict[str, dict[str, Any]] = {
    "secret": {"type": "kv", "options": {"version": "2"}, "description": "people's credentials"},
    "database": {"type": "database", "description": "people's database users"},
}
_LOGIN_ROLES = {
    # A token lives as long as it is renewed, an hour at most: then the person's session must still be good.
    **{f"mcp-{server}": (f"mcp-{server}", f"mcp-{server}", {}, 900, 3600) for server in MCP_SERVERS},
    "person": ("mcp-demo-app", "user-secrets person-agents", {}, 300, 3600),
    # For the one action that a person asks for; such a login is revoked as soon as that is done.
    "connector": ("mcp-demo-app", "connector", {}, 60, 60),
    "disconnector": ("mcp-demo-app", "disconnector", {}, 60, 60),
    "partner": ("mcp-demo-app", "partner", {}, 60, 60),
    "facilitator": ("mcp-demo-app", "facilitator", {"/realm_access/roles": ["facilitator"]}, 300, 3600),
}
"""Role → (client that must be the token's ``azp``, policies, further claims, TTL and longest life in seconds)."""

_LAB_ROLES: dict[str, tuple[str, str, dict[str, Any], int, int]] = {
    "lab-person": ("lab-vault", "user-secrets", {}, 120, 300)
}
"""What the facilitator's isolation grid logs each person in with; in the demo's own Vault only."""


def provision(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """Everything that depends neither on who there is nor on Keycloak."""
    settle_mounts(vault, ledger, MOUNTS, within=settings.wait_seconds)
    ledger.settle(
        PART,
        "auth mount",
        "jwt/",
        exists=bool(jwt_accessor(vault)),
        equal=True,
        act=partial(vault.write, "sys/auth/jwt", {"type": "jwt", "description": "people, by Keycloak's tokens"}),
    )
    _audit_device(settings, vault, ledger)
    _audit_header(vault, ledger)
    _policies(vault, ledger)
    shop_connection(settings, vault, ledger)
    if settings.own_vault and not settings.kubernetes_namespace:
        _known_root_token(settings, vault, ledger)


def jwt_accessor(vault: VaultAdmin) -> str:
    """The accessor of the JWT auth mount, to which aliases belong; empty when it is not mounted yet."""
    return str(((vault.read("sys/auth") or {}).get("jwt/") or {}).get("accessor", ""))


def differs(found: dict[str, Any] | None, wanted: dict[str, Any]) -> list[str]:
    """The wanted fields that are not there as wanted; Vault adds fields of its own."""
    return [key for key, value in wanted.items() if (found or {}).get(key) != value]


def settle_mounts(vault: VaultAdmin, ledger: Ledger, wanted: dict[str, dict[str, Any]], *, within: float) -> bool:
    """Secrets engines by name, each serving when this returns; whether all were there before.

    A new KV engine of version 2 refuses everything for a moment (Vault API: kv, "Upgrading"). Raises NotReady when it
    does so for longer than ``within`` seconds.
    """
    found = vault.read("sys/mounts") or {}

    def mount(name: str, engine: dict[str, Any]) -> None:
        vault.write(f"sys/mounts/{name}", engine)
        if engine["type"] == "kv":
            wait_until_ready(f"Vault's engine {name}/", lambda: vault.read(f"{name}/config"), within=within)

    for name, engine in wanted.items():
        there = f"{name}/" in found
        ledger.settle(PART, "mount", f"{name}/", exists=there, equal=True, act=partial(mount, name, engine))
    return all(f"{name}/" in found for name in wanted)


def _audit_device(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """An audit log (Vault API: sys/audit), unless there is one or no file is named. Raises VaultError.

    OpenBao takes its devices from its configuration file alone, and refuses.
    """
    found = (vault.read("sys/audit") or {}) if settings.vault_audit_file else {}
    if found or not settings.vault_audit_file:
        ledger.unchanged(PART, "audit device", ", ".join(sorted(found)) or "none")
        return
    options = {"file_path": settings.vault_audit_file, "mode": settings.vault_audit_mode}
    device = {"type": "file", "options": options}

    def enable() -> None:
        try:
            vault.write("sys/audit/file", device)
        except VaultError as error:
            if "config-based" not in error.what:
                raise
            _log.warning("OpenBao keeps no audit log: add an `audit` stanza to its configuration file.")

    ledger.created(PART, "audit device", "file/", enable)


def _audit_header(vault: VaultAdmin, ledger: Ledger) -> None:
    """Let the audit log keep the id that joins it to the trace (Vault API: sys/config/auditing/request-headers)."""
    found = {name.lower() for name in (vault.read("sys/config/auditing/request-headers") or {}).get("headers", {})}
    ledger.settle(
        PART,
        "audited header",
        CORRELATION_HEADER,
        exists=CORRELATION_HEADER.lower() in found,
        equal=True,
        act=partial(vault.write, f"sys/config/auditing/request-headers/{CORRELATION_HEADER}", {"hmac": False}),
    )


def _policies(vault: VaultAdmin, ledger: Ledger) -> None:
    for name, text in POLICIES.items():
        path = f"sys/policies/acl/{name}"
        found = vault.read(path)
        ledger.settle(
            PART,
            "policy",
            name,
            exists=found is not None,
            equal=not differs(found, {"policy": text}),
            act=partial(vault.write, path, {"policy": text}),
        )


def login_roles(settings: InitSettings) -> dict[str, tuple[str, str, dict[str, Any], int, int]]:
    """Who may log in as what, by the role's name; the lab's role in the demo's own Vault only."""
    return _LOGIN_ROLES | (_LAB_ROLES if settings.own_vault else {})


def jwt_login(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """How people's tokens log in (Vault API: auth/jwt). Vault reads the realm's keys, so the realm must stand."""
    mounted = bool(jwt_accessor(vault))
    certificates = f"{settings.keycloak_for_vault}/realms/{settings.keycloak_realm}/protocol/openid-connect/certs"
    config = {"jwks_url": certificates, "bound_issuer": settings.issuer}
    settle(vault, ledger, "JWT login", f"{_JWT}/config", config, readable=mounted)
    for role, (azp, policies, claims, ttl, longest) in login_roles(settings).items():
        wanted = {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": ["vault"],
            "bound_claims": {"azp": azp, **claims},
            "claim_mappings": {"preferred_username": "username", "sid": "sid", "azp": "server"},
            "token_policies": policies.split(),
            "token_ttl": ttl,
            "token_max_ttl": longest,
            # Vault's own default would let an expired token in for another minute.
            "clock_skew_leeway": 5,
        }
        settle(vault, ledger, "login role", f"{_JWT}/role/{role}", wanted, readable=mounted)


def shop_connection(settings: InitSettings, vault: VaultAdmin, ledger: Ledger, *, mount: str = "database") -> None:
    """How Vault reaches the shop's database, and the password of its role there, settled as one.

    Vault is told first: were this interrupted, the password would still not open and both would be
    written again.
    """
    host, port = settings.postgres_for_vault
    query = f"sslmode={settings.postgres_sslmode}&application_name=vault"
    url = f"postgresql://{{{{username}}}}:{{{{password}}}}@{host}:{port}/{SHOP}?{query}"
    path = f"{mount}/config/{SHOP}"
    found = vault.read(path) if f"{mount}/" in (vault.read("sys/mounts") or {}) else None
    details = (found or {}).get("connection_details") or {}
    equal = (details.get("connection_url"), details.get("username")) == (url, postgres.VAULT_ADMIN) and postgres.opens(
        settings, SHOP, postgres.VAULT_ADMIN, settings.vault_db_password
    )

    def connect() -> None:
        vault.write(
            path,
            {
                "plugin_name": "postgresql-database-plugin",
                "allowed_roles": ["*"],
                "connection_url": url,
                "username": postgres.VAULT_ADMIN,
                "password": settings.vault_db_password.get_secret_value(),
                "password_authentication": "scram-sha-256",
                "username_template": "v-{{.RoleName}}-{{random 12}}-{{unix_time}}",
                "max_open_connections": 8,
                "verify_connection": False,
            },
        )
        with postgres.as_superuser(settings) as admin:
            postgres.set_password(admin, postgres.VAULT_ADMIN, settings.vault_db_password)

    ledger.settle(
        PART, "database connection", f"{mount}/config/{SHOP}", exists=found is not None, equal=equal, act=connect
    )


def _known_root_token(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """The demo's well-known root token, for people who want to look around (Vault API: auth/token/create)."""
    wanted = settings.vault_root_token_id
    known = VaultAdmin(settings.vault_addr, wanted)
    try:
        there = known.is_valid()
    finally:
        known.close()
    make = {"id": wanted.get_secret_value(), "policies": ["root"], "display_name": "demo-root", "no_parent": True}
    ledger.settle(
        PART, "token", "demo root", exists=there, equal=True, act=partial(vault.write, "auth/token/create", make)
    )


def settle(
    vault: VaultAdmin, ledger: Ledger, kind: str, path: str, wanted: dict[str, Any], *, readable: bool = True
) -> None:
    """Write ``wanted`` at ``path`` unless it is there. ``readable`` is False where the mount is yet to be made."""
    found = vault.read(path) if readable else None
    faults = differs(found, wanted)
    ledger.settle(
        PART,
        kind,
        path,
        exists=found is not None,
        equal=not faults,
        act=partial(vault.write, path, wanted),
        note=", ".join(faults) if found is not None else "",
    )
