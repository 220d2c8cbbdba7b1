"""Facts about a person, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "person.username": "Username",
    "person.email": "Email",
    "person.id": "User id",
    "person.since": "Signed in since",
}
