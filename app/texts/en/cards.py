"""A server's credential card, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "card.present": "credential present",
    "card.absent": "no credential",
    "card.unknown": "not known",
    "card.user_id": "User id",
    "card.username": "Username",
    "card.email": "Email",
    "card.entity": "Entity",
    "card.vault_path": "Vault path",
    "card.masked_credential": "Credential",
    "card.credential_version": "Version",
    "card.lease_seconds": "Lease",
    "card.reason": "Why not",
    "card.lease": "{left} left",
}
