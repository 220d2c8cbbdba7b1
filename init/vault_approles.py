"""Vault's part per service: an AppRole each, with a policy of its own and a secret id that the stack hands to it.

A service logs in with its name as role id (``VAULT_ROLE_ID``) and its secret id (``VAULT_SECRET_ID``).
Vault API: auth/approle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from common.servers import MCP_SERVERS
from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.settings import InitSettings
from init.vault import settle
from init.vault_policies import policy

PART: Final = "vault"
APPROLE: Final = "auth/approle"


@dataclass(frozen=True, slots=True)
class ServiceRole:
    """What one service may do in Vault, and for how long (seconds) its token lives unless renewed."""

    purpose: str
    rules: tuple[tuple[str, str], ...]
    """(path, capabilities) as in `init/vault_policies.py`."""
    period: int = 900


EXAMPLE_RULES = (
    ("my-vault-app-kv/data/*", "read"),
    ("my-vault-app-kv/metadata/*", "read list"),
    ("my-vault-app-database/creds/my-vault-app-dynamic", "read"),
    ("my-vault-app-database/static-creds/my-vault-app-static", "read"),
)
"""What the example application may read: its own secrets (init/vault_application.py)."""

SERVICE_ROLES: dict[str, ServiceRole] = {
    "app": ServiceRole(
        "The app as the revoker of what others left behind: it ends tokens by accessor. It reads no secret, only the"
        " rules that it shows: the servers' login roles and policies, and the one for people.",
        (
            ("auth/token/revoke-accessor", "update"),
            *((f"auth/jwt/role/mcp-{server}", "read") for server in MCP_SERVERS),
            *((f"sys/policies/acl/mcp-{server}", "read") for server in MCP_SERVERS),
            ("sys/policies/acl/user-secrets", "read"),
            ("sys/policies/acl/default", "read"),
        ),
    ),
    "example-view": ServiceRole(
        "The app's page about the example application: it reads what that application reads, and shows none of it.",
        EXAMPLE_RULES,
        period=120,
    ),
    "agents": ServiceRole(
        "The agents' auth server and the biz service: the keys of agents' tokens, and their own TLS certificate.",
        (("secret/data/services/agent-jwt", "read"), ("pki-agents/sign/agent-services", "update")),
    ),
    "chatbot": ServiceRole(
        "The mock chatbot: its Keycloak client's secret, and the offline tokens of those who linked themselves to it.",
        (
            ("secret/data/services/chatbot", "read"),
            ("secret/data/chatbot/*", "create read update delete"),
            ("secret/metadata/chatbot/*", "read list delete"),
        ),
    ),
    "token-api": ServiceRole(
        "The token API: tokens through its own role, and the register of whose they are.",
        (
            ("auth/token/create/token-api", "update"),
            ("auth/token/lookup-accessor", "update"),
            ("auth/token/renew-accessor", "update"),
            ("auth/token/revoke-accessor", "update"),
            ("secret/data/token-api/issued/*", "create read update"),
            ("secret/metadata/token-api/issued/*", "read list delete"),
        ),
        period=60,
    ),
}
"""Service → its role; the policy and the role bear the service's name, and so does the role id."""


def provision(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """The AppRole login, and for each service its policy, role and secret id."""
    ready = "approle/" in (vault.read("sys/auth") or {})
    ledger.settle(
        PART,
        "auth mount",
        "approle/",
        exists=ready,
        equal=True,
        act=lambda: vault.write("sys/auth/approle", {"type": "approle", "description": "services and applications"}),
    )
    for name, role in SERVICE_ROLES.items():
        settle(vault, ledger, "policy", f"sys/policies/acl/{name}", {"policy": policy(role.purpose, *role.rules)})
        if settings.kubernetes_namespace:
            continue  # init/vault_kubernetes.py makes the roles
        wanted = {
            "token_policies": [name],
            "token_period": role.period,
            "secret_id_ttl": 0,
            "secret_id_num_uses": 0,
        }
        settle(vault, ledger, "application role", f"{APPROLE}/role/{name}", wanted, readable=ready)
        settle(vault, ledger, "role id", f"{APPROLE}/role/{name}/role-id", {"role_id": name}, readable=ready)
        _secret_id(vault, ledger, name, settings.vault_secret_id(name), readable=ready)


def _secret_id(vault: VaultAdmin, ledger: Ledger, name: str, value: SecretStr, *, readable: bool) -> None:
    """The one secret id that the stack hands out; any other of this role is ended."""
    role = f"{APPROLE}/role/{name}"
    given = {"secret_id": value.get_secret_value()}
    there = readable and vault.read(role) is not None
    known = there and bool(vault.write(f"{role}/secret-id/lookup", given))

    def replace() -> None:
        for accessor in vault.list(f"{role}/secret-id")["keys"]:
            vault.write(f"{role}/secret-id-accessor/destroy", {"secret_id_accessor": accessor})
        vault.write(f"{role}/custom-secret-id", given)

    ledger.settle(PART, "secret id", name, exists=known, equal=True, act=replace)
