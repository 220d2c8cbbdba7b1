"""Vault's part on Kubernetes: each service's role there is for its own ServiceAccount, in place of an AppRole.

Vault API: auth/kubernetes. Vault asks the cluster (TokenReview) about each token, so one of a deleted pod is refused.
"""

from __future__ import annotations

from typing import Final

from fastmcp_vault.errors import ConfigError
from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.service_settings import PATH, SERVICE_SETTINGS
from init.settings import InitSettings
from init.vault import settle
from init.vault_approles import SERVICE_ROLES
from init.vault_policies import policy

PART: Final = "vault"
AUDIENCE: Final = "vault"
READ_SECONDS: Final = 60
"""How long a token lives that only reads a service's settings."""

INIT_ROLE: Final = "init"
INIT_POLICY = policy(
    "Provisioning: engines, logins, policies and identities; it writes people's secrets and reads none but its own.",
    ("sys/mounts", "read"),
    ("sys/mounts/+", "create read update sudo"),
    ("sys/auth", "read"),
    ("sys/auth/+", "create read update sudo"),
    ("sys/audit", "read sudo"),
    ("sys/audit/file", "create update sudo"),
    ("sys/config/auditing/request-headers", "read sudo"),
    ("sys/config/auditing/request-headers/+", "create read update sudo"),
    ("sys/policies/acl/+", "create read update delete"),
    ("sys/leases/revoke-prefix/*", "update sudo"),
    ("sys/wrapping/lookup", "update"),
    ("auth/jwt/*", "create read update delete list"),
    ("auth/approle/*", "create read update delete list sudo"),
    ("auth/kubernetes/*", "create read update delete list"),
    ("auth/token/roles/*", "create read update"),
    ("auth/token/revoke-accessor", "update"),
    ("auth/token/lookup-accessor", "update"),
    ("identity/*", "create read update delete list"),
    ("secret/config", "read"),
    ("secret/data/users/*", "create"),
    ("secret/data/users/+/accounts/*", "read"),
    ("secret/data/services/*", "create read update"),
    ("secret/data/settings/*", "create read update"),
    ("secret/data/token-api/items/*", "create update"),
    ("secret/metadata/*", "create read update delete list"),
    ("secret/destroy/*", "update"),
    ("database/*", "create read update delete list"),
    ("my-vault-app-kv/*", "create read update delete list"),
    ("my-vault-app-database/*", "create read update delete list"),
    ("pki-agents-root/*", "create read update delete list sudo"),
    ("pki-agents/*", "create read update delete list sudo"),
)
"""What init's role may do after the first run, and with OpenBao's self-initialisation from the first run on."""


def provision(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """The Kubernetes login, its policies and roles. A configuration that is there is left as it is."""
    mount = settings.vault_service_account_mount
    ready = f"{mount}/" in (vault.read("sys/auth") or {})
    method = {"type": "kubernetes", "description": "services, by their ServiceAccounts"}
    ledger.settle(
        PART, "auth mount", f"{mount}/", exists=ready, equal=True, act=lambda: vault.write(f"sys/auth/{mount}", method)
    )
    there = ready and vault.read(f"auth/{mount}/config") is not None
    ledger.settle(
        PART,
        "Kubernetes login",
        f"auth/{mount}/config",
        exists=there,
        equal=True,
        act=lambda: vault.write(f"auth/{mount}/config", _config(settings)),
    )
    settle(vault, ledger, "policy", f"sys/policies/acl/{INIT_ROLE}", {"policy": INIT_POLICY})
    _role(settings, vault, ledger, INIT_ROLE, INIT_ROLE, [INIT_ROLE], readable=ready)
    for service in SERVICE_SETTINGS:
        own = f"settings-of-{service}"
        text = policy(
            f"The secret settings of {service}, which it reads when it starts.", (f"{PATH}/{service}", "read")
        )
        settle(vault, ledger, "policy", f"sys/policies/acl/{own}", {"policy": text})
        policies = [own, *([service] if service in SERVICE_ROLES else [])]
        _role(settings, vault, ledger, service, service, policies, readable=ready)
    _role(settings, vault, ledger, "example-view", "app", ["example-view"], readable=ready)


def _config(settings: InitSettings) -> dict[str, str]:
    """The cluster as Vault reaches it. A Vault in a pod of it uses its own token and authority."""
    config = {"kubernetes_host": settings.kubernetes_host}
    if settings.kubernetes_ca_file:
        try:
            config["kubernetes_ca_cert"] = settings.kubernetes_ca_file.read_text()
        except OSError as error:
            raise ConfigError(
                f"KUBERNETES_CA_FILE cannot be read: {error.strerror}.", fix="Mount the cluster's authority there."
            ) from error
    return config


def _role(
    settings: InitSettings,
    vault: VaultAdmin,
    ledger: Ledger,
    name: str,
    account: str,
    policies: list[str],
    *,
    readable: bool,
) -> None:
    """A role for one ServiceAccount. Where it only reads at the start, its token cannot be kept alive."""
    service = SERVICE_ROLES.get(name)
    life = {"token_period": service.period} if service else {"token_ttl": READ_SECONDS, "token_max_ttl": READ_SECONDS}
    if name == INIT_ROLE:
        life = {"token_ttl": 3600, "token_max_ttl": 3600}
    wanted = {
        "bound_service_account_names": [account],
        "bound_service_account_namespaces": [settings.kubernetes_namespace],
        "audience": AUDIENCE,
        "alias_name_source": "serviceaccount_name",
        "token_policies": sorted(policies),
        **life,
    }
    path = f"auth/{settings.vault_service_account_mount}/role/{name}"
    settle(vault, ledger, "ServiceAccount role", path, wanted, readable=readable)
