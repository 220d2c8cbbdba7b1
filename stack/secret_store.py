"""The secrets of one instance: made at random at its first start, kept in one file only its owner reads."""

from __future__ import annotations

import base64
import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from common.servers import SERVERS
from fastmcp_vault.files import write_private
from stack.layout import Layout

PROVISIONED = (
    "APP_CLIENT_SECRET",
    "CHATBOT_RELAY_CLIENT_SECRET",
    "LAB_CLIENT_SECRET",
    "VAULT_DB_PASSWORD",
    "APP_VAULT_SECRET_ID",
    "EXAMPLE_VIEW_VAULT_SECRET_ID",
    "AGENTS_VAULT_SECRET_ID",
    "CHATBOT_VAULT_SECRET_ID",
    "TOKEN_API_VAULT_SECRET_ID",
    "APP_STATE_PASSWORD",
    "TOKEN_API_STATE_PASSWORD",
    "AGENTS_STATE_PASSWORD",
    "AUTH_RELAY_STATE_PASSWORD",
    *(spec.variable(what) for spec in SERVERS.values() for what in ("CLIENT_SECRET", "STATE_PASSWORD")),
)
"""What provisioning tells Keycloak, PostgreSQL or Vault, and a service then opens with: `init` gets all of these."""

GENERATED = (
    "POSTGRES_ADMIN_PASSWORD",
    "KEYCLOAK_DB_PASSWORD",
    "STATE_DB_PASSWORD",
    "RELAY_JWT_SECRET",
    "RELAY_TO_CHATBOT_HMAC_SECRET",
    "CHATBOT_MESSENGER_KEY",
    "JIRA_OAUTH_CLIENT_SECRET",
    "GITHUB_OAUTH_CLIENT_SECRET",
    *PROVISIONED,
)
"""Opaque values of 32 random bytes each, safe in URLs."""

FERNET_KEYS = ("APP_SESSION_KEY",)
"""Keys of ``cryptography.fernet``: 32 random bytes, base64url with padding."""

FIXED = {
    "KEYCLOAK_ADMIN": "admin",
    "KEYCLOAK_ADMIN_PASSWORD": "admin",
    "VAULT_ROOT_TOKEN_ID": "root-token",
}
"""The demo's published logins; they open nothing but servers on this machine's loopback."""


def load(layout: Layout) -> dict[str, str]:
    """Every secret by name; those the file lacks are made now and kept, those it has never change."""
    with _alone(layout):
        kept = _read(layout)
        known = dict(kept)
        for name in GENERATED:
            known.setdefault(name, secrets.token_urlsafe(32))
        for name in FERNET_KEYS:
            known.setdefault(name, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        if known != kept:
            _write(layout, known)
    return FIXED | known


def harden(layout: Layout) -> None:
    """Generate the logins that are published otherwise, for an instance that has not been started yet."""
    with _alone(layout):
        kept = _read(layout)
        made = {name: secrets.token_urlsafe(24) for name in FIXED if name != "KEYCLOAK_ADMIN"}
        _write(layout, made | kept)


def keep(layout: Layout, **made: str) -> None:
    """Add secrets that a server made (Vault's initial root token) to the file."""
    with _alone(layout):
        _write(layout, _read(layout) | made)


def _read(layout: Layout) -> dict[str, str]:
    known: dict[str, str] = json.loads(layout.secrets.read_text()) if layout.secrets.exists() else {}
    return known


def _write(layout: Layout, known: dict[str, str]) -> None:
    write_private(layout.secrets, json.dumps(known, indent=2) + "\n")


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One reader and writer at a time: services that start together must be given the same secrets."""
    with layout.secrets.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
