"""Facts about a person, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "person.username": "Username",
    "person.email": "Email",
    "person.id": "User id",
    "person.since": "Signed in since",
    "person.unknown": "Vault does not know you: this account was never provisioned.",
    "person.unknown.fix": "Ask an administrator to add you to `init/users.yaml`, with a name of a-z, 0-9, - and _,"
    " and to run `./demo init`; then sign in with that account.",
}
