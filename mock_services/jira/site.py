"""One Jira site in memory, and who may see and do what in it. Knows nothing of HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import count

from mock_services.jira import seed
from mock_services.jira.model import (
    PRIORITIES,
    STATUSES,
    TRANSITIONS,
    Document,
    JiraComment,
    JiraIssue,
    JiraProject,
    Option,
)
from mock_services.people import Directory, MockPerson

_ACCOUNTS = uuid.UUID("6f0f2f6e-41e4-5d0c-9d0c-6a3a0f1f7c11")
_SEEDED_PEOPLE = ("alice", "bob", "charlie")


@lru_cache(maxsize=20_000)
def account_id(username: str) -> str:
    """The Atlassian account id of a person: the same at every start, and not a name."""
    return f"712020:{uuid.uuid5(_ACCOUNTS, username)}"


@dataclass(frozen=True)
class People:
    """Everyone the site knows: the people of the users file, and those who appear in the seed."""

    directory: Directory

    def get(self, username: str) -> MockPerson:
        """The person of this user name, made up from the name when the file does not hold it."""
        known = self.directory.by_username.get(username)
        return known or MockPerson(username, username.capitalize(), f"{username}@example.com")

    def everyone(self) -> Iterable[MockPerson]:
        """People in the order of the file."""
        yield from self.directory.by_username.values()
        for username in _SEEDED_PEOPLE:
            if username not in self.directory.by_username:
                yield self.get(username)

    def find(self, text: str) -> MockPerson | None:
        """The person with this account id, user name, e-mail address or full name (in any case)."""
        wanted = text.lower()
        for person in self.everyone():
            if wanted in (person.username, person.email.lower(), person.name.lower(), account_id(person.username)):
                return person
        return None


@dataclass
class Draft:
    """What an issue is made or changed with, already checked."""

    summary: str
    type: Option
    description: Document | None = None
    priority: Option = PRIORITIES[2]
    labels: list[str] = field(default_factory=list)
    assignee: str | None = None
    due: date | None = None


class Site:
    """Projects and issues. Every look-up names who is looking, and what they may not see is not there."""

    def __init__(self) -> None:
        self._projects = seed.projects()
        issues = [issue for project in self._projects for issue in project.issues]
        self._issue_ids = count(max(issue.id for issue in issues) + 1)
        self._comment_ids = count(max((c.id for issue in issues for c in issue.comments), default=20000) + 1)

    def projects(self, viewer: MockPerson) -> list[JiraProject]:
        """The projects this person may see, by key."""
        return sorted((p for p in self._projects if p.visible_to(viewer.username)), key=lambda p: p.key)

    def project(self, viewer: MockPerson, wanted: str) -> JiraProject | None:
        """One project by key (in any case) or id."""
        upper = wanted.upper()
        return next((p for p in self.projects(viewer) if upper in (p.key, str(p.id))), None)

    def issues(self, viewer: MockPerson) -> list[JiraIssue]:
        """Every issue this person may see, newest first."""
        found = [issue for project in self.projects(viewer) for issue in project.issues]
        return sorted(found, key=lambda issue: -issue.id)

    def issue(self, viewer: MockPerson, wanted: str) -> JiraIssue | None:
        """One issue by key (in any case) or id."""
        key, _, number = wanted.upper().rpartition("-")
        if not key:
            return next((i for p in self.projects(viewer) for i in p.issues if str(i.id) == number), None)
        project = next((p for p in self.projects(viewer) if p.key == key), None)
        return next((i for i in project.issues if str(i.number) == number), None) if project else None

    def create(self, author: MockPerson, project: JiraProject, draft: Draft) -> JiraIssue:
        """Add an issue in the first status of the workflow."""
        now = datetime.now(UTC)
        issue = JiraIssue(
            id=next(self._issue_ids),
            project=project,
            number=max((i.number for i in project.issues), default=0) + 1,
            summary=draft.summary,
            description=draft.description,
            type=draft.type,
            status=STATUSES[0],
            priority=draft.priority,
            reporter=author.username,
            assignee=draft.assignee,
            created=now,
            updated=now,
            labels=draft.labels,
            due=draft.due,
        )
        project.issues.append(issue)
        return issue

    def change(self, issue: JiraIssue, changes: Mapping[str, object]) -> None:
        """Set attributes that have been checked before."""
        for name, value in changes.items():
            setattr(issue, name, value)
        issue.updated = datetime.now(UTC)

    def comment(self, author: MockPerson, issue: JiraIssue, body: Document) -> JiraComment:
        """Add a comment."""
        comment = JiraComment(next(self._comment_ids), author.username, body, datetime.now(UTC))
        issue.comments.append(comment)
        issue.updated = comment.created
        return comment

    def transition(self, issue: JiraIssue, transition_id: str) -> bool:
        """Move an issue along; False when the workflow has no such transition."""
        target = TRANSITIONS.get(transition_id)
        if target is None:
            return False
        now = datetime.now(UTC)
        issue.status, issue.updated = target, now
        issue.resolved = (issue.resolved or now) if target.category == "done" else None
        return True
