"""What a Jira site is made of: projects, issues, comments, and the fixed lists they choose from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Document = dict[str, Any]
"""An Atlassian Document Format (ADF) document."""


@dataclass(frozen=True)
class Option:
    """One entry of a fixed list: an issue type, a priority, a status."""

    id: str
    name: str
    description: str = ""
    category: str = ""


ISSUE_TYPES = (
    Option("10000", "Epic", "A big piece of work that holds others."),
    Option("10001", "Story", "Something people will notice."),
    Option("10002", "Task", "Work to be done."),
    Option("10003", "Bug", "Something that does not work as it should."),
)
PRIORITIES = (
    Option("1", "Highest"),
    Option("2", "High"),
    Option("3", "Medium"),
    Option("4", "Low"),
    Option("5", "Lowest"),
)
STATUSES = (
    Option("10000", "To Do", "", "new"),
    Option("10001", "In Progress", "", "indeterminate"),
    Option("10002", "Done", "", "done"),
)
TRANSITIONS = {"11": STATUSES[0], "21": STATUSES[1], "31": STATUSES[2]}
"""Every status can be reached from every other, as in Jira's simplified workflow."""

CATEGORIES = {
    "new": {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    "indeterminate": {"id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"},
    "done": {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
}
RESOLUTION = Option("10000", "Done", "Work has been completed on this issue.")


def choose(options: tuple[Option, ...], wanted: str) -> Option | None:
    """The option with this id or, in any case, this name."""
    return next((o for o in options if o.id == wanted or o.name.lower() == wanted.lower()), None)


@dataclass
class JiraComment:
    """One comment; ``author`` is a user name."""

    id: int
    author: str
    body: Document
    created: datetime


@dataclass
class JiraIssue:
    """One issue. People are user names; times are in UTC."""

    id: int
    project: JiraProject
    number: int
    summary: str
    description: Document | None
    type: Option
    status: Option
    priority: Option
    reporter: str
    assignee: str | None
    created: datetime
    updated: datetime
    labels: list[str] = field(default_factory=list)
    due: date | None = None
    resolved: datetime | None = None
    comments: list[JiraComment] = field(default_factory=list)

    @property
    def key(self) -> str:
        """``PROJ-1``."""
        return f"{self.project.key}-{self.number}"


@dataclass
class JiraProject:
    """One project. ``members`` None means that everyone with an account may see it."""

    id: int
    key: str
    name: str
    description: str
    lead: str
    members: frozenset[str] | None = None
    issues: list[JiraIssue] = field(default_factory=list, repr=False)

    def visible_to(self, username: str) -> bool:
        """True when this person may see the project and everything in it."""
        return self.members is None or username in self.members
