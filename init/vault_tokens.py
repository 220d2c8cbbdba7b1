"""Vault's part for the token API: the role that its tokens are made through, a policy per permission, and one item.

The permissions of an issued token are these policies, so Vault itself decides what it may do.
"""

from __future__ import annotations

from typing import Final

from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.vault import settle
from init.vault_policies import policy

PART: Final = "vault"
_DATA, _METADATA = "secret/data/token-api/items", "secret/metadata/token-api/items"

PERMISSIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "create": ((f"{_DATA}/*", "create"),),
    "read": ((f"{_DATA}/*", "read"),),
    "update": ((f"{_DATA}/*", "update"),),
    "delete": ((f"{_DATA}/*", "delete"), (f"{_METADATA}/*", "delete")),
    "list": ((_METADATA, "list"), (f"{_METADATA}/*", "list")),
}
"""Permission → rules of the policy ``token-<permission>``."""

TOKEN_ROLE = {
    # Orphans: a token outlives the service's own, which lives for seconds.
    "orphan": True,
    "renewable": True,
    "allowed_policies": sorted(["default", *(f"token-{name}" for name in PERMISSIONS)]),
    "token_explicit_max_ttl": 86400,
    "token_type": "default-service",
}
"""Vault API: auth/token/roles. Times in seconds: renewed or not, a token ends after a day."""

_WELCOME = {"value": "This came from Vault, read with your own token."}


def provision(vault: VaultAdmin, ledger: Ledger) -> None:
    """Policies, the token role, and the item that everybody with `read` may read."""
    for name, rules in PERMISSIONS.items():
        text = policy(f"A token of the token API with the permission {name}.", *rules)
        settle(vault, ledger, "policy", f"sys/policies/acl/token-{name}", {"policy": text})
    settle(vault, ledger, "token role", "auth/token/roles/token-api", TOKEN_ROLE)
    readable = "secret/" in (vault.read("sys/mounts") or {})
    there = readable and vault.read(f"{_METADATA}/welcome") is not None
    ledger.settle(
        PART,
        "item",
        f"{_DATA}/welcome",
        exists=there,
        equal=True,
        act=lambda: vault.write(f"{_DATA}/welcome", {"data": _WELCOME, "options": {"cas": 0}}),
    )
