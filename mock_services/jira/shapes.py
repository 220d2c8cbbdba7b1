"""Jira's JSON: how people, projects and issues look in REST v3 (ADF documents) and v2 (plain text).

Source: Atlassian, "The Jira Cloud platform REST API", v3 and v2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mock_services.jira import adf
from mock_services.jira.model import (
    CATEGORIES,
    ISSUE_TYPES,
    RESOLUTION,
    TRANSITIONS,
    Document,
    JiraComment,
    JiraIssue,
    JiraProject,
    Option,
)
from mock_services.jira.site import People, account_id

Json = dict[str, Any]

TIME_ZONE = "Etc/UTC"


@dataclass(frozen=True)
class JiraShapes:
    """Makes the JSON of one response. ``base`` is the address the client used; ``version`` is ``2`` or ``3``."""

    base: str
    version: str
    people: People

    def url(self, path: str) -> str:
        """The absolute address of a resource under this version."""
        return f"{self.base}/rest/api/{self.version}/{path}"

    def document(self, value: Document | None) -> Document | str | None:
        """A description or comment body as this version shows it."""
        if value is None:
            return None
        return value if self.version == "3" else adf.to_text(value)

    def user(self, username: str | None) -> Json | None:
        """A user, or None for nobody."""
        if username is None:
            return None
        person = self.people.get(username)
        account = account_id(username)
        avatar = f"{self.base}/secure/useravatar?ownerId={account}"
        return {
            "self": self.url(f"user?accountId={account}"),
            "accountId": account,
            "emailAddress": person.email,
            "avatarUrls": {f"{n}x{n}": f"{avatar}&size={n}" for n in (16, 24, 32, 48)},
            "displayName": person.name,
            "active": True,
            "timeZone": TIME_ZONE,
            "accountType": "atlassian",
        }

    def myself(self, username: str) -> Json:
        """The caller, with what only ``/myself`` tells."""
        return {
            **(self.user(username) or {}),
            "locale": "en_GB",
            "groups": {"size": 0, "items": []},
            "applicationRoles": {"size": 1, "items": []},
            "expand": "groups,applicationRoles",
        }

    def option(self, kind: str, option: Option) -> Json:
        """An issue type, priority or resolution; ``kind`` is its path segment."""
        shape: Json = {
            "self": self.url(f"{kind}/{option.id}"),
            "id": option.id,
            "description": option.description,
            "iconUrl": f"{self.base}/images/icons/{kind}/{option.name.lower()}.svg",
            "name": option.name,
        }
        if kind == "issuetype":
            shape |= {"subtask": False, "avatarId": 10300, "hierarchyLevel": 1 if option.name == "Epic" else 0}
        return shape

    def status(self, option: Option) -> Json:
        """A status with its category."""
        category = CATEGORIES[option.category]
        return {
            **self.option("status", option),
            "statusCategory": {"self": self.url(f"statuscategory/{category['id']}"), **category},
        }

    def project(self, project: JiraProject) -> Json:
        """A project as it appears inside other things."""
        return {
            "self": self.url(f"project/{project.id}"),
            "id": str(project.id),
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "simplified": False,
            "avatarUrls": {
                f"{n}x{n}": self.url(f"universal_avatar/view/type/project/avatar/{project.id}?size={n}")
                for n in (16, 24, 32, 48)
            },
        }

    def project_in_full(self, project: JiraProject) -> Json:
        """A project as ``/project/{key}`` shows it."""
        return {
            **self.project(project),
            "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
            "description": project.description,
            "lead": self.user(project.lead),
            "components": [],
            "issueTypes": [self.option("issuetype", kind) for kind in ISSUE_TYPES],
            "assigneeType": "UNASSIGNED",
            "versions": [],
            "roles": {},
            "style": "classic",
            "isPrivate": project.members is not None,
            "properties": {},
        }

    def comment(self, issue: JiraIssue, comment: JiraComment) -> Json:
        """One comment."""
        author = self.user(comment.author)
        return {
            "self": self.url(f"issue/{issue.id}/comment/{comment.id}"),
            "id": str(comment.id),
            "author": author,
            "body": self.document(comment.body),
            "updateAuthor": author,
            "created": timestamp(comment.created),
            "updated": timestamp(comment.created),
            "jsdPublic": True,
        }

    def transitions(self) -> list[Json]:
        """What can be done with any issue."""
        return [
            {
                "id": number,
                "name": target.name,
                "to": self.status(target),
                "hasScreen": False,
                "isGlobal": True,
                "isInitial": False,
                "isAvailable": True,
                "isConditional": False,
                "isLooped": False,
            }
            for number, target in TRANSITIONS.items()
        ]

    def issue(self, issue: JiraIssue, fields: Sequence[str]) -> Json:
        """An issue with the chosen fields; see :func:`chosen`. Only ``id`` when no field is asked for."""
        if tuple(fields) == ("id",):
            return {"id": str(issue.id)}
        return {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": str(issue.id),
            "self": self.url(f"issue/{issue.id}"),
            "key": issue.key,
            "fields": {name: make(self, issue) for name, make in FIELDS.items() if chosen(name, fields)},
        }


def timestamp(moment: datetime) -> str:
    """Jira's form of a time: milliseconds, and an offset without a colon."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def chosen(name: str, fields: Iterable[str]) -> bool:
    """True when ``fields`` (names, ``*all``, ``*navigable``, ``-name``) asks for ``name``."""
    asked = list(fields)
    if f"-{name}" in asked:
        return False
    only_exclusions = all(field.startswith("-") for field in asked)
    return only_exclusions or name in asked or "*all" in asked or ("*navigable" in asked and name != "comment")


def _comments(shapes: JiraShapes, issue: JiraIssue) -> Json:
    total = len(issue.comments)
    return {
        "comments": [shapes.comment(issue, comment) for comment in issue.comments],
        "self": shapes.url(f"issue/{issue.id}/comment"),
        "maxResults": total,
        "total": total,
        "startAt": 0,
    }


FIELDS: dict[str, Callable[[JiraShapes, JiraIssue], Any]] = {
    "summary": lambda _s, i: i.summary,
    "description": lambda s, i: s.document(i.description),
    "issuetype": lambda s, i: s.option("issuetype", i.type),
    "project": lambda s, i: s.project(i.project),
    "status": lambda s, i: s.status(i.status),
    "statuscategorychangedate": lambda _s, i: timestamp(i.resolved or i.created),
    "priority": lambda s, i: s.option("priority", i.priority),
    "labels": lambda _s, i: i.labels,
    "assignee": lambda s, i: s.user(i.assignee),
    "reporter": lambda s, i: s.user(i.reporter),
    "creator": lambda s, i: s.user(i.reporter),
    "created": lambda _s, i: timestamp(i.created),
    "updated": lambda _s, i: timestamp(i.updated),
    "resolution": lambda s, i: s.option("resolution", RESOLUTION) if i.resolved else None,
    "resolutiondate": lambda _s, i: timestamp(i.resolved) if i.resolved else None,
    "duedate": lambda _s, i: i.due.isoformat() if i.due else None,
    "comment": _comments,
    "components": lambda _s, _i: [],
    "fixVersions": lambda _s, _i: [],
    "versions": lambda _s, _i: [],
    "issuelinks": lambda _s, _i: [],
    "subtasks": lambda _s, _i: [],
    "attachment": lambda _s, _i: [],
    "environment": lambda _s, _i: None,
    "votes": lambda s, i: {"self": s.url(f"issue/{i.key}/votes"), "votes": 0, "hasVoted": False},
    "watches": lambda s, i: {"self": s.url(f"issue/{i.key}/watchers"), "watchCount": 0, "isWatching": False},
}
"""How each field of an issue is made, by its id."""
