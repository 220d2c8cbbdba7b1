"""The demo's people as the lab knows them: their published passwords and what they hold, from the users file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from app.settings import AppSettings
from app.texts import t
from common.users_file import entries
from fastmcp_vault.errors import Problem


class LabClosed(Problem):
    """The lab is for the demo profile, where passwords are published."""

    code, part = "lab_closed", "settings"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Someone in the users file, and the servers that they hold something for."""

    username: str
    password: SecretStr = field(repr=False)
    holds: frozenset[str]


def everybody(settings: AppSettings) -> Mapping[str, DemoPerson]:
    """The people of the demo by username, in the file's order. Raises LabClosed outside the demo or without a file."""
    path = settings.lab_users_file
    if settings.profile != "demo" or path is None or not path.is_file():
        raise LabClosed(t("lab.closed"), fix=t("lab.closed.fix"))
    return read(path)


def read(path: Path) -> Mapping[str, DemoPerson]:
    """The people of one users file (``init/users.yaml``)."""
    return {
        entry["username"]: DemoPerson(
            entry["username"],
            SecretStr(str(entry["password"])),
            frozenset(entry.get("entitlements") or {}),
        )
        for entry in entries(path)
    }


def attacker_and_victim(people: Mapping[str, DemoPerson], asking: str) -> tuple[DemoPerson, DemoPerson]:
    """Who attacks whom: the person who asks if they hold everything, else the first who does; the victim is another.

    Raises LabClosed when the file has no two people to choose from.
    """
    able = [person for person in people.values() if {"jira", "postgres"} <= person.holds]
    attacker = next((person for person in able if person.username == asking), able[0] if able else None)
    victim = next((person for person in people.values() if person.holds and person != attacker), None)
    if attacker is None or victim is None:
        raise LabClosed(t("lab.nobody"), fix=t("lab.nobody.fix"))
    return attacker, victim
