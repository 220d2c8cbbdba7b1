"""A server's credential card, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "card.stored": "stored secret",
    "card.stored.when": "stored in Vault: version {version}, written {written}",
    "card.stored.about": "It stays until somebody changes it; it is read for the calls of this person only.",
    "card.made": "made on demand",
    "card.made.when": "made {made}, dropped {dropped} unless renewed:",
    "card.made.about": "Vault made this database user for this person and drops it from PostgreSQL at that time, or at "
    "once when the person signs out.",
    "card.nothing": "nothing is there",
    "card.absent": "no credential",
    "card.unknown": "not known",
    "card.user_id": "User id",
    "card.username": "Username",
    "card.email": "Email",
    "card.entity": "Entity",
    "card.vault_path": "Vault path",
    "card.masked_credential": "Credential",
    "card.credential_version": "Version",
}
