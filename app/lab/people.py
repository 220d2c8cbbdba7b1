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

NEIGHBOURS = 3
"""Other tables of the room whose names a person is shown."""


class LabClosed(Problem):
    """The lab is for the demo profile, where passwords are published."""

    code, part = "lab_closed", "settings"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Someone in the users file, and the servers that they hold something for."""

    username: str
    password: SecretStr = field(repr=False)
    holds: frozenset[str]
    one_time: bool = False
    """The password was good for the first sign-in alone: nobody can sign them in but they themselves."""
    partner: str = ""
    attacker: str = ""
    waiting: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Credentials that nobody has put into Vault yet, by server."""
    in_room: bool = False
    """Made by `./demo people add`."""


def everybody(settings: AppSettings) -> Mapping[str, DemoPerson]:
    """The people of the demo by username, in the file's order. Raises LabClosed outside the demo or without a file."""
    path = settings.lab_users_file
    if settings.profile != "demo" or path is None or not path.is_file():
        raise LabClosed(t("lab.closed"), fix=t("lab.closed.fix"))
    room = settings.lab_room_file
    return {**read(path), **(read(room, in_room=True) if room is not None and room.is_file() else {})}


def read(path: Path, *, in_room: bool = False) -> Mapping[str, DemoPerson]:
    """The people of one users file (``init/users.yaml``)."""
    return {
        entry["username"]: DemoPerson(
            entry["username"],
            SecretStr(str(entry["password"])),
            frozenset(entry.get("entitlements") or {}),
            one_time=bool(entry.get("one_time")),
            partner=entry.get("partner") or "",
            attacker=entry.get("attacker") or "",
            waiting=entry.get("waiting") or {},
            in_room=in_room,
        )
        for entry in entries(path)
    }


def seen_by(people: Mapping[str, DemoPerson], me: str) -> list[str]:
    """Whose names a person is shown: their own, their partner's, the users file's people, a few of the room."""
    own = people.get(me)
    mine = [name for name in (own.partner, own.attacker) if name in people] if own else []
    usual = [name for name, person in people.items() if not person.in_room]
    others = [name for name, person in people.items() if person.in_room and person.partner][:NEIGHBOURS]
    return list(dict.fromkeys([me, *mine, *usual, *others]))


def attacker_and_victim(people: Mapping[str, DemoPerson], asking: str) -> tuple[DemoPerson, DemoPerson]:
    """Who attacks whom: whoever attacks in the name of the person who asks, and their partner; otherwise the person if
    they hold everything, else the first who does, and another.

    Raises LabClosed when the file has no two people to choose from.
    """
    own = people.get(asking)
    if own is not None and own.attacker in people and own.partner in people:
        return people[own.attacker], people[own.partner]
    people = {name: person for name, person in people.items() if not person.in_room}
    able = [person for person in people.values() if {"jira", "postgres"} <= person.holds]
    attacker = next((person for person in able if person.username == asking), able[0] if able else None)
    victim = next((person for person in people.values() if person.holds and person != attacker), None)
    if attacker is None or victim is None:
        raise LabClosed(t("lab.nobody"), fix=t("lab.nobody.fix"))
    return attacker, victim


def without_jira(people: Mapping[str, DemoPerson], *but: DemoPerson) -> tuple[DemoPerson, ...]:
    """Who can be signed in and holds nothing at Jira, those of the users file first; ``but`` not these."""
    found = [one for one in people.values() if not one.one_time and "jira" not in one.holds and one not in but]
    return tuple(sorted(found, key=lambda one: one.in_room))


def pair(people: Mapping[str, DemoPerson], asking: str) -> tuple[DemoPerson, DemoPerson]:
    """Two people to compare: the person who asks and their partner, or else the file's first two. Raises LabClosed."""
    own = people.get(asking)
    if own is not None and own.partner in people:
        return own, people[own.partner]
    return attacker_and_victim(people, "")
