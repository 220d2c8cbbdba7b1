"""What a GitHub is made of: repositories, issues, pull requests, comments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

State = Literal["open", "closed"]


def stable_id(*parts: object) -> int:
    """A number for a thing, from its name: the same at every start."""
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:4]) % 2_000_000_000 + 1


@dataclass
class GithubComment:
    """One comment; ``author`` is a login."""

    id: int
    author: str
    body: str
    created: datetime


@dataclass
class Pull:
    """What makes an issue a pull request: a branch to merge into the default branch."""

    branch: str
    draft: bool = False
    merged: datetime | None = None


@dataclass
class GithubItem:
    """An issue, or with ``pull`` a pull request; both share one numbering. People are logins, times UTC."""

    number: int
    title: str
    body: str | None
    author: str
    created: datetime
    updated: datetime
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    closed: datetime | None = None
    reason: str | None = None
    pull: Pull | None = None
    comments: list[GithubComment] = field(default_factory=list)

    @property
    def state(self) -> State:
        """``open`` or ``closed``."""
        return "closed" if self.closed else "open"


@dataclass
class GithubRepository:
    """One repository. A private one is seen by its owner and ``members``; None means the whole organisation."""

    owner: str
    name: str
    description: str
    language: str
    topics: list[str]
    private: bool
    members: frozenset[str] | None
    created: datetime
    items: list[GithubItem] = field(default_factory=list, repr=False)

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"

    @property
    def id(self) -> int:
        """GitHub's number for the repository."""
        return stable_id("repository", self.full_name)

    def belongs_to(self, login: str) -> bool:
        """True for the owner and for those who may push: members, or everyone of the organisation."""
        return login == self.owner or self.members is None or login in self.members

    def visible_to(self, login: str | None) -> bool:
        """True when this account (None: nobody signed in) may know that the repository exists."""
        return not self.private or (login is not None and self.belongs_to(login))

    def item(self, number: int) -> GithubItem | None:
        """One issue or pull request."""
        return next((item for item in self.items if item.number == number), None)

    @property
    def updated(self) -> datetime:
        """When something last happened here."""
        return max((item.updated for item in self.items), default=self.created)
