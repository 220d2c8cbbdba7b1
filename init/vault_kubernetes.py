"""Vault's part on Kubernetes: each service's role there is for its own ServiceAccount, in place of an AppRole.

Vault API: auth/kubernetes. Vault asks the cluster (TokenReview) about each token, so one of a deleted pod is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fastmcp_vault.errors import ConfigError
from fastmcp_vault.vault.admin import VaultAdmin
from init import vault_least
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


def init_policy(settings: InitSettings) -> str:
    """What init's role may do: a run's own rules (init/vault_least.py), and the logins and settings of services."""
    capabilities: dict[str, dict[str, None]] = {}
    for path, needed in (*vault_least.rules(settings), *_rules(settings)):
        capabilities.setdefault(path, {}).update(dict.fromkeys(needed.split()))
    purpose = "Provisioning: what a run of init needs, and no more; it reads no person's credential."
    return policy(purpose, *((path, " ".join(found)) for path, found in capabilities.items()))


def _rules(settings: InitSettings) -> Iterator[tuple[str, str]]:
    mount, settle_ = settings.vault_service_account_mount, "read create update"
    yield f"sys/auth/{mount}", "create update sudo"
    yield f"auth/{mount}/config", settle_
    yield from ((f"auth/{mount}/role/{name}", settle_) for name in (INIT_ROLE, *SERVICE_SETTINGS, "example-view"))
    yield f"sys/policies/acl/{INIT_ROLE}", settle_
    yield from ((f"sys/policies/acl/settings-of-{name}", settle_) for name in SERVICE_SETTINGS)
    yield from ((f"{PATH}/{name}", settle_) for name in (INIT_ROLE, *SERVICE_SETTINGS))


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
    settle(vault, ledger, "policy", f"sys/policies/acl/{INIT_ROLE}", {"policy": init_policy(settings)})
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
