"""Whose token is whose: the people of ``users.yaml``, and those of a room, read again whenever a file changes.

Only digests of the tokens are kept, so neither a log line nor a dump of this process can give one away.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from hmac import compare_digest
from pathlib import Path
from typing import Any

import yaml

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Of each file when it was read: time of change (ns), size and inode; None for one that is not there."""

# libyaml where PyYAML was built with it: ten thousand people load in a second instead of ten.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class MockPerson:
    """One person, as Jira and GitHub know them. ``login`` is the GitHub name, empty without an account."""

    username: str
    name: str
    email: str
    login: str = ""


@dataclass(frozen=True)
class Directory:
    """One reading of the file: people by user name and by GitHub login, and the digests of what opens each service."""

    by_username: Mapping[str, MockPerson] = field(default_factory=dict)
    by_login: Mapping[str, MockPerson] = field(default_factory=dict)
    jira: Mapping[str, MockPerson] = field(default_factory=dict)
    github: Mapping[str, MockPerson] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict)

    def signs_in(self, name: str, password: str) -> MockPerson | None:
        """The person of this user name, e-mail address or GitHub login, if the password is theirs."""
        wanted = name.strip().lower()
        for person in self.by_username.values():
            if wanted in (person.username, person.email.lower(), person.login.lower() or None):
                known = self.passwords.get(person.username, "")
                return person if compare_digest(known, _digest(person.username, password)) else None
        return None

    def jira_person(self, email: str, token: str) -> MockPerson | None:
        """The owner of an e-mail address and API token, or None."""
        return self.jira.get(_digest(email.lower(), token))

    def github_person(self, token: str) -> MockPerson | None:
        """The owner of a GitHub token, or None."""
        return self.github.get(_digest(token))


class UsersFile:
    """The directory behind one path, and behind ``room``, a second file that may come and go.

    A file that cannot be read leaves the last good reading in force.
    """

    def __init__(self, path: Path, room: Path | None = None) -> None:
        self.path = path
        self.room = room
        self._stamp: Stamp = ()
        self._directory = Directory()
        self._lock = asyncio.Lock()

    def load(self) -> Directory:
        """Read now. Raises ``ValueError`` with a sentence when that fails."""
        self._stamp = self._current_stamp()
        files = [(self.path, "MOCK_USERS_FILE")]
        if self.room is not None and self.room.exists():
            files.append((self.room, "MOCK_ROOM_FILE"))
        read = []
        for path, setting in files:
            try:
                read.append(parse(path.read_bytes(), origin=str(path)))
            except OSError as error:
                raise ValueError(f"{path} ({setting}) cannot be read: {error.strerror}.") from error
        self._directory = together(read)
        return self._directory

    async def directory(self) -> Directory:
        """The people as the file has them now."""
        if self._current_stamp() == self._stamp:
            return self._directory
        async with self._lock:
            if self._current_stamp() != self._stamp:
                try:
                    await asyncio.to_thread(self.load)
                    log.info("read %s again: %d people", self.path, len(self._directory.by_username))
                except ValueError as error:
                    log.warning("kept the people read before: %s", error)
        return self._directory

    def _current_stamp(self) -> Stamp:
        return tuple(_stamp(path) for path in (self.path, self.room) if path is not None)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def together(directories: Sequence[Directory]) -> Directory:
    """Several readings as one."""
    return Directory(
        *(
            {key: value for one in directories for key, value in getattr(one, part.name).items()}
            for part in fields(Directory)
        )
    )


def parse(content: bytes, *, origin: str) -> Directory:
    """The directory in one ``users.yaml``. Raises ``ValueError`` with a sentence when it is not one."""
    try:
        document = yaml.load(content, Loader=_Loader)  # noqa: S506 - a safe loader, in C or in Python
    except yaml.YAMLError as error:
        raise ValueError(f"{origin} is not valid YAML.") from error
    users = document.get("users") if isinstance(document, dict) else None
    if not isinstance(users, list):
        raise ValueError(f"{origin} has no list `users`.")
    by_username: dict[str, MockPerson] = {}
    jira: dict[str, MockPerson] = {}
    github: dict[str, MockPerson] = {}
    passwords: dict[str, str] = {}
    for number, user in enumerate(users, start=1):
        if not isinstance(user, dict) or not isinstance(user.get("username"), str):
            raise ValueError(f"{origin}: user {number} has no `username`.")
        # An account whose token nobody has put into Vault yet is an account all the same.
        held = {**(user.get("waiting") or {}), **(user.get("entitlements") or {})}
        jira_account, github_account = held.get("jira") or {}, held.get("github") or {}
        person = _person(user, login=str(github_account.get("login") or ""))
        by_username[person.username] = person
        passwords[person.username] = _digest(person.username, str(user.get("password") or secrets.token_hex()))
        if token := jira_account.get("api_token"):
            jira[_digest(str(jira_account.get("email") or person.email).lower(), str(token))] = person
        if token := github_account.get("token"):
            github[_digest(str(token))] = person
    by_login = {person.login.lower(): person for person in by_username.values() if person.login}
    return Directory(by_username, by_login, jira, github, passwords)


def _person(user: Mapping[str, Any], *, login: str) -> MockPerson:
    username = str(user["username"])
    name = f"{user.get('first_name') or ''} {user.get('last_name') or ''}".strip()
    email = str(user.get("email") or f"{username}@example.com")
    return MockPerson(username, name or username.capitalize(), email, login)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
