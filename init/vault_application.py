"""The example application `my-vault-app`: what it may read in Vault, who it is there, and its first config.ini.

It logs in with a role id and a secret id (AppRole). The secret id reaches it in a wrapping token, which opens once:
should somebody else open it, the application finds out. Mounts are named ``{entity}-kv`` and ``{entity}-database``.
"""

from __future__ import annotations

import configparser
import io
import secrets
import time
from pathlib import Path
from typing import Any, Final

from fastmcp_vault.errors import VaultDenied, VaultError
from fastmcp_vault.files import write_private
from fastmcp_vault.vault.admin import VaultAdmin
from init import postgres
from init.ledger import Ledger
from init.settings import InitSettings
from init.shop import SHOP
from init.vault import settle, settle_mounts, shop_connection
from init.vault_approles import APPROLE, EXAMPLE_RULES
from init.vault_people import database_role
from init.vault_policies import policy

PART: Final = "vault"
APPLICATION: Final = "my-vault-app"
KV, DATABASE = f"{APPLICATION}-kv", f"{APPLICATION}-database"
DYNAMIC, STATIC = f"{APPLICATION}-dynamic", f"{APPLICATION}-static"

SECRET_ID_SECONDS = 86_400
_RENEW_BEFORE_SECONDS = 3600
"""A secret id with less left is replaced by the next run."""

_POLICY = policy("For the example application: its own secrets, to read.", *EXAMPLE_RULES)
_ROLE = {
    "token_policies": [APPLICATION],
    "token_ttl": 120,
    "token_max_ttl": 3600,
    "secret_id_ttl": SECRET_ID_SECONDS,
    "secret_id_num_uses": 0,
}
_DYNAMIC_TTL, _DYNAMIC_LONGEST = 60, 300
_STATIC_PERIOD = 600

MOUNTS: dict[str, dict[str, Any]] = {
    KV: {"type": "kv", "options": {"version": "2"}, "description": f"{APPLICATION}'s own secrets"},
    DATABASE: {"type": "database", "description": f"{APPLICATION}'s database users"},
}


def provision(settings: InitSettings, vault: VaultAdmin, ledger: Ledger, config: Path) -> None:
    """Everything of the application's; its config.ini (``config``) last, when all that it names is there."""
    ready = "approle/" in (vault.read("sys/auth") or {})
    mounted = settle_mounts(vault, ledger, MOUNTS, within=settings.wait_seconds)
    settle(vault, ledger, "policy", f"sys/policies/acl/{APPLICATION}", {"policy": _POLICY})
    settle(vault, ledger, "application role", f"{APPROLE}/role/{APPLICATION}", _ROLE, readable=ready)
    _secret(vault, ledger, readable=mounted)
    shop_connection(settings, vault, ledger, mount=DATABASE)
    dynamic = database_role(["shop_read"]) | {"default_ttl": _DYNAMIC_TTL, "max_ttl": _DYNAMIC_LONGEST}
    settle(vault, ledger, "database role", f"{DATABASE}/roles/{DYNAMIC}", dynamic, readable=mounted)
    static = {"db_name": SHOP, "username": postgres.APPLICATION_USER, "rotation_period": _STATIC_PERIOD}
    settle(vault, ledger, "static database role", f"{DATABASE}/static-roles/{STATIC}", static, readable=mounted)
    if ledger.dry_run and not ready:
        ledger.created(PART, "entity", APPLICATION, lambda: None)
        return
    role_id = str((vault.read(f"{APPROLE}/role/{APPLICATION}/role-id") or {}).get("role_id", ""))
    _entity(vault, ledger, role_id)
    _configuration(settings, vault, ledger, config, role_id)


def _secret(vault: VaultAdmin, ledger: Ledger, *, readable: bool) -> None:
    """One secret, written once: what people make of it is kept."""
    there = readable and vault.read(f"{KV}/metadata/app") is not None

    def create() -> None:
        data = {"api_key": f"demo-{secrets.token_urlsafe(24)}", "endpoint": "https://api.example.com"}
        vault.write(f"{KV}/data/app", {"data": data, "options": {"cas": 0}})

    ledger.settle(PART, "secret", f"{KV}/data/app", exists=there, equal=True, act=create)


def _entity(vault: VaultAdmin, ledger: Ledger, role_id: str) -> None:
    """Who the application is at Vault, before it logs in for the first time (Vault API: identity/entity)."""
    found = vault.read(f"identity/entity/name/{APPLICATION}")
    accessor = str(((vault.read("sys/auth") or {}).get("approle/") or {}).get("accessor", ""))
    aliases = {(alias["name"], alias["mount_accessor"]) for alias in (found or {}).get("aliases") or []}

    def make() -> None:
        vault.write(f"identity/entity/name/{APPLICATION}", {"metadata": {"managed_by": "init (application)"}})
        entity = (vault.read(f"identity/entity/name/{APPLICATION}") or {})["id"]
        alias = {"name": role_id, "canonical_id": entity, "mount_accessor": accessor}
        vault.write("identity/entity-alias", alias)

    ledger.settle(PART, "entity", APPLICATION, exists=found is not None, equal=(role_id, accessor) in aliases, act=make)


def _configuration(settings: InitSettings, vault: VaultAdmin, ledger: Ledger, path: Path, role_id: str) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    if path.exists():
        parser.read_string(path.read_text(encoding="utf-8"))
    known = dict(parser["vault"]) if parser.has_section("vault") else {}
    wanted = {"entity": APPLICATION, "url": settings.vault_addr, "role_id": role_id}
    equal = wanted.items() <= known.items() and _opens(vault, known)

    def write() -> None:
        wrapped = vault.wrapped(f"{APPROLE}/role/{APPLICATION}/secret-id", ttl=SECRET_ID_SECONDS)
        for section, keys in _SECTIONS.items():
            if not parser.has_section(section):
                parser[section] = keys
        parser["vault"] = {**wanted, "namespace": "", "secret_id_wrapped": wrapped.get_secret_value()}
        text = io.StringIO()
        parser.write(text)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, text.getvalue())

    ledger.settle(PART, "configuration", str(path), exists=bool(known), equal=equal, act=write)


_SECTIONS = {
    "vault": {},
    "kv_secret": {"enabled": "true", "path": "app", "refresh_interval": "5"},
    "database_dynamic": {"enabled": "true", "role_id": DYNAMIC},
    "database_static": {"enabled": "true", "role_id": STATIC},
    "http": {"timeout": "30", "max_response_size": "4096"},
}


def _opens(vault: VaultAdmin, known: dict[str, str]) -> bool:
    """Whether what stands in the file still leads in, for a while at least."""
    if known.get("secret_id"):
        found = vault.write(f"{APPROLE}/role/{APPLICATION}/secret-id/lookup", {"secret_id": known["secret_id"]})
        left = float(known.get("secret_id_expires") or 0) - time.time()
        return bool(found) and left > _RENEW_BEFORE_SECONDS
    try:
        return bool(vault.write("sys/wrapping/lookup", {"token": known.get("secret_id_wrapped", "")}))
    except (VaultError, VaultDenied):
        return False
