"""One person under the names that each part knows them by, each with the reason why it is the same person.

Knows no Streamlit. Every value is what a server reported; a name that it did not report is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.claims import clock
from app.texts import t

SHORT = 8
"""Characters of an id that are shown where there is little room: enough to compare it with another place."""

_MADE = re.compile(r"v-(?P<role>.+)-(?P<random>\w{12})-(?P<at>\d{10})")
"""A database user's name, by the template ``v-{{.RoleName}}-{{random 12}}-{{unix_time}}``."""


@dataclass(frozen=True, slots=True)
class Name:
    """What one part calls the person: ``label`` in a few words, the whole ``value``, and ``why`` it is them."""

    kind: str
    label: str
    value: str
    why: str


def names(facts: Mapping[str, Any]) -> list[Name]:
    """The names in ``facts`` (a server's ``credential_status``), from Keycloak's to the database's."""
    found = {name: str(facts.get(name) or "") for name in ("username", "user_id", "entity_id", "entity", "email")}
    user = str(facts.get("database_user") or "")
    made = [
        _name("username", found["username"], found["username"], **found),
        _name("user", short(found["user_id"]), found["user_id"], **found),
        _name("entity", short(found["entity_id"]), found["entity_id"], **found),
        _name("database", user, user, **found, **_parts(user)),
    ]
    return [one for one in made if one.value]


def short(value: str) -> str:
    """The beginning of an id."""
    return f"{value[:SHORT]}…" if len(value) > SHORT else value


def _name(kind: str, shown: str, value: str, **facts: str) -> Name:
    if not value:
        return Name(kind, "", "", "")
    return Name(kind, t(f"identity.{kind}", value=shown), value, t(f"identity.{kind}.why", **facts))


def _parts(user: str) -> dict[str, str]:
    """What the parts of a database user's name say."""
    found = _MADE.fullmatch(user)
    if found is None:
        return {"role": "?", "random": "?", "at": "?"}
    return {"role": found["role"], "random": found["random"], "at": clock(int(found["at"]))}
