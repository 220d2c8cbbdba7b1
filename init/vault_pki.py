"""Vault's part for agents: a root and an intermediate authority, who may get which certificate, and the signing key.

Vault API: pki (root/generate, root/sign-intermediate, intermediate/*, roles, config/crl, config/urls). The root signs
the intermediate and nothing else; certificates carry an agent's name and scopes as URIs, never in the subject.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.settings import InitSettings
from init.vault import settle, settle_mounts

PART: Final = "vault"
ROOT: Final = "pki-agents-root"
MOUNT: Final = "pki-agents"
KEY_PATH: Final = "secret/data/services/agent-jwt"

AGENT_URI: Final = "urn:mcp-remote-vault:agent:"
SCOPE_URI: Final = "urn:mcp-remote-vault:scope:"
PERSONS_AGENTS: Final = ("worker", "reader", "dispatcher")
"""The agents that each signed-in person may have, by the name after the colon."""

_YEAR = 8760 * 3600
MOUNTS = {ROOT: 10 * _YEAR, MOUNT: 5 * _YEAR}
_EC = {"key_type": "ec", "key_bits": 256}
_CLIENT = _EC | {
    "server_flag": False,
    "client_flag": True,
    "allow_ip_sans": False,
    "allow_localhost": False,
    "allow_wildcard_certificates": False,
    "use_csr_sans": False,
    "use_csr_common_name": False,
    "organization": ["MCP Remote Vault"],
}
ROLES: dict[str, dict[str, Any]] = {
    # For administrators: any name, any scope. The common name is for people to read.
    "agent": _CLIENT
    | {
        "ou": ["agents"],
        "allow_any_name": True,
        "enforce_hostnames": False,
        "cn_validations": ["disabled"],
        "allowed_uri_sans": ["urn:mcp-remote-vault:*"],
        "ttl": 86400,
        "max_ttl": 259200,
    },
    # For a signed-in person: Vault fills in the name, so nobody gets a certificate for another's agent. No wildcard,
    # and no common name, which would let one pass for an agent of the role above.
    "person-agent": _CLIENT
    | {
        "ou": ["people's agents"],
        "require_cn": False,
        "allow_any_name": False,
        "allowed_uri_sans_template": True,
        "allowed_uri_sans": [
            *(f"{AGENT_URI}{{{{identity.entity.name}}}}:{name}" for name in PERSONS_AGENTS),
            *(f"{SCOPE_URI}agent:{scope}" for scope in ("commands", "results", "dispatch")),
        ],
        "ttl": 3600,
        "max_ttl": 3600,
    },
    "agent-services": _EC
    | {
        "server_flag": True,
        "client_flag": False,
        "allow_any_name": False,
        "allow_localhost": True,
        "allow_bare_domains": True,
        "allowed_domains": ["agents", "agent-auth", "biz-service"],
        "allow_wildcard_certificates": False,
        "use_csr_sans": False,
        "use_csr_common_name": False,
        "organization": ["MCP Remote Vault"],
        "ou": ["services"],
        "ttl": 86400,
        "max_ttl": 86400,
    },
}
_CRL = {"expiry": "72h", "auto_rebuild": True, "auto_rebuild_grace_period": "12h", "ocsp_disable": False}


def provision(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """Mounts, authorities, where their revocations are told, roles, and the key that agents' tokens are signed with."""
    engines = {
        name: {"type": "pki", "description": "agents' certificates", "config": {"max_lease_ttl": f"{longest}s"}}
        for name, longest in MOUNTS.items()
    }
    ready = settle_mounts(vault, ledger, engines, within=settings.wait_seconds)
    _authority(vault, ledger, ROOT, lambda: _make_root(vault), ready=ready)
    _authority(vault, ledger, MOUNT, lambda: _make_intermediate(vault), ready=ready)
    base = f"{settings.vault_addr.rstrip('/')}/v1/{MOUNT}"
    urls = {
        "issuing_certificates": [f"{base}/ca"],
        "crl_distribution_points": [f"{base}/crl"],
        "ocsp_servers": [f"{base}/ocsp"],
    }
    settle(vault, ledger, "revocation", f"{MOUNT}/config/urls", urls, readable=ready)
    settle(vault, ledger, "revocation", f"{MOUNT}/config/crl", _CRL, readable=ready)
    for name, role in ROLES.items():
        settle(vault, ledger, "certificate role", f"{MOUNT}/roles/{name}", role, readable=ready)
    _signing_key(vault, ledger, readable="secret/" in (vault.read("sys/mounts") or {}))


def new_key() -> dict[str, str]:
    """A signing key for agents' tokens, 32 random bytes in base64url, with the id that tokens name it by."""
    return {"current_kid": uuid.uuid4().hex[:12], "current_key": secrets.token_urlsafe(32)}


def _authority(vault: VaultAdmin, ledger: Ledger, mount: str, make: Any, *, ready: bool) -> None:
    there = ready and bool((vault.read(f"{mount}/config/issuers") or {}).get("default"))
    ledger.settle(PART, "authority", mount, exists=there, equal=True, act=make)


def _make_root(vault: VaultAdmin) -> None:
    named = {"common_name": "MCP Remote Vault agents' root", "issuer_name": "root", "ttl": f"{10 * _YEAR}s"}
    vault.write(f"{ROOT}/root/generate/internal", _EC | named)


def _make_intermediate(vault: VaultAdmin) -> None:
    named = {"common_name": "MCP Remote Vault agents' authority"}
    request = vault.write(f"{MOUNT}/intermediate/generate/internal", _EC | named)
    signing = {"csr": request["csr"], "ttl": f"{5 * _YEAR}s", "max_path_length": 0, "use_csr_values": False} | named
    signed = vault.write(f"{ROOT}/root/sign-intermediate", signing)
    chain = "\n".join([signed["certificate"], signed["issuing_ca"]])
    imported = vault.write(f"{MOUNT}/intermediate/set-signed", {"certificate": chain})
    # The chain brings the root with it; what signs is the one whose key is here.
    mapping: Mapping[str, str] = imported["mapping"]
    own = next(issuer for issuer, key in mapping.items() if key)
    vault.write(f"{MOUNT}/config/issuers", {"default": own})


def _signing_key(vault: VaultAdmin, ledger: Ledger, *, readable: bool) -> None:
    """Written once; rotation is `./demo agent rotate-key`, so what it holds is never compared."""
    found = vault.read(KEY_PATH) if readable else None
    made = {"data": new_key(), "options": {"cas": 0}}
    ledger.settle(
        PART, "signing key", KEY_PATH, exists=found is not None, equal=True, act=partial(vault.write, KEY_PATH, made)
    )
