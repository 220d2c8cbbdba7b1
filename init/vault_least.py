"""The least Vault policy that provisioning needs, for the administrators of a Vault that is not the demo's own.

``./demo init --policy FILE`` writes it. It reads no credential of a person but a connected account, which is revoked
at its provider when its owner leaves. It may write the policies and login roles that it names, so whoever holds a token
with it decides what those open: make the token for one run. The policy `default`, which tokens have, comes to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from init import vault, vault_application, vault_approles, vault_pki, vault_policies, vault_tokens
from init.settings import InitSettings

_WRITE = "create update"
_SETTLE = "read create update"

_PEOPLE = (
    # Entities by id, for their aliases; the credentials are written and never read.
    ("identity/entity", _WRITE),
    ("identity/entity/id", "list"),
    ("identity/entity/id/+", "read delete"),
    ("identity/entity-alias", _WRITE),
    ("identity/entity-alias/id/+", "delete"),
    ("secret/metadata/users", "list"),
    ("secret/metadata/users/+/+", "read create update delete"),
    ("secret/data/users/+/+", _WRITE),
    ("secret/metadata/users/+/accounts/", "list"),
    ("secret/metadata/users/+/accounts/+", "delete"),
    ("secret/data/users/+/accounts/+", "read"),
    ("database/roles", "list"),
    ("database/roles/+", "read create update delete"),
    ("sys/leases/revoke-prefix/database/creds/*", "update sudo"),
)

_RETIRED = (("sys/policies/acl", "list"), ("sys/policies/acl/+", "read delete"), ("auth/jwt/role/+", "read delete"))
"""For what an MCP server without an entry has left; in the demo's own Vault only (init/run.py)."""


def rules(settings: InitSettings) -> Iterator[tuple[str, str]]:
    """Each path that a run with these settings asks for, and the capabilities that it needs there."""
    yield from (("sys/mounts", "read"), ("sys/auth", "read"))
    application = settings.vault_client_config is not None
    engines = {**vault.MOUNTS, **dict.fromkeys(vault_pki.MOUNTS)} | (vault_application.MOUNTS if application else {})
    yield from ((f"sys/mounts/{name}", _WRITE) for name in engines)
    yield from ((f"{name}/config", "read") for name, engine in engines.items() if (engine or {}).get("type") == "kv")
    yield from ((f"sys/auth/{name}", f"{_WRITE} sudo") for name in ("jwt", "approle"))
    yield from _audit(settings)
    yield from _named(settings, application=application)
    yield from _agents()
    yield from _PEOPLE
    yield from (("auth/token/roles/token-api", _SETTLE), ("secret/metadata/token-api/items/welcome", "read"))
    yield from (("secret/data/token-api/items/welcome", _WRITE), ("secret/data/services/chatbot", _SETTLE))
    yield from (("database/config/shop", _SETTLE),)
    if application:
        yield from _application()
    if settings.own_vault:
        yield from _RETIRED


def text(settings: InitSettings) -> str:
    """The policy in HCL."""
    return vault_policies.policy("What provisioning (`./demo init --only vault`) needs, and no more.", *rules(settings))


def _audit(settings: InitSettings) -> Iterator[tuple[str, str]]:
    if settings.vault_audit_file:
        yield "sys/audit", "read sudo"
        yield "sys/audit/file", f"{_WRITE} sudo"
    yield "sys/config/auditing/request-headers", "read sudo"
    yield f"sys/config/auditing/request-headers/{vault.CORRELATION_HEADER}", f"{_WRITE} sudo"


def _named(settings: InitSettings, *, application: bool) -> Iterator[tuple[str, str]]:
    """Policies and login roles, each by its name: no other can be touched."""
    own = [vault_application.APPLICATION] if application else []
    tokens = (f"token-{name}" for name in vault_tokens.PERMISSIONS)
    for name in (*vault_policies.POLICIES, *vault_approles.SERVICE_ROLES, *tokens, *own):
        yield f"sys/policies/acl/{name}", _SETTLE
    yield "auth/jwt/config", _SETTLE
    yield from ((f"auth/jwt/role/{name}", _SETTLE) for name in vault.login_roles(settings))
    # On Kubernetes services log in by their ServiceAccounts: init/vault_kubernetes.py adds the roles.
    services = [] if settings.kubernetes_namespace else list(vault_approles.SERVICE_ROLES)
    for name in (*services, *own):
        yield f"auth/approle/role/{name}", _SETTLE
        yield f"auth/approle/role/{name}/role-id", "read" if name in own else _SETTLE
        yield f"auth/approle/role/{name}/secret-id/lookup", _WRITE
    for name in services:
        yield f"auth/approle/role/{name}/secret-id", "list"
        yield f"auth/approle/role/{name}/secret-id-accessor/destroy", _WRITE
        yield f"auth/approle/role/{name}/custom-secret-id", _WRITE


def _agents() -> Iterator[tuple[str, str]]:
    root, mount = vault_pki.ROOT, vault_pki.MOUNT
    yield f"{root}/config/issuers", "read"
    yield f"{root}/root/generate/internal", _WRITE
    yield f"{root}/root/sign-intermediate", _WRITE
    yield f"{mount}/intermediate/generate/internal", _WRITE
    yield f"{mount}/intermediate/set-signed", _WRITE
    yield from ((f"{mount}/config/{name}", _SETTLE) for name in ("issuers", "urls", "crl"))
    yield from ((f"{mount}/roles/{name}", _SETTLE) for name in vault_pki.ROLES)
    yield vault_pki.KEY_PATH, _SETTLE


def _application() -> Iterator[tuple[str, str]]:
    kv, database = vault_application.KV, vault_application.DATABASE
    yield f"{kv}/metadata/app", "read"
    yield f"{kv}/data/app", _WRITE
    yield f"{database}/config/shop", _SETTLE
    yield f"{database}/roles/{vault_application.DYNAMIC}", _SETTLE
    yield f"{database}/static-roles/{vault_application.STATIC}", _SETTLE
    yield f"identity/entity/name/{vault_application.APPLICATION}", _SETTLE
    yield f"auth/approle/role/{vault_application.APPLICATION}/secret-id", _WRITE
    yield "sys/wrapping/lookup", _WRITE
