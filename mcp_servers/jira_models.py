"""What the Jira tools answer: small and pleasant, made from Jira's REST v3 shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from mcp_servers.adf import plain

SUMMARY_FIELDS = "summary,status,issuetype,priority,assignee,project,updated"
"""Fields asked for in a list."""

ISSUE_FIELDS = f"{SUMMARY_FIELDS},reporter,created,labels,description,comment"
"""Fields asked for in full."""

COMMENTS_SHOWN = 20


class IssueSummary(BaseModel):
    """An issue in a list."""

    key: Annotated[str, Field(description="Such as PROJ-1.")]
    summary: str
    status: str
    type: str
    priority: str | None = None
    assignee: Annotated[str | None, Field(description="Display name; null for nobody.")] = None
    updated: str = ""
    url: str = ""


class Comment(BaseModel):
    """A comment, as plain text."""

    author: str | None = None
    created: str = ""
    body: str = ""


class Issue(IssueSummary):
    """An issue in full, its texts as plain text."""

    project: str = ""
    reporter: str | None = None
    created: str = ""
    labels: list[str] = Field(default_factory=list)
    description: str = ""
    comments: Annotated[list[Comment], Field(description=f"The newest {COMMENTS_SHOWN} at most, oldest first.")] = []


class IssueList(BaseModel):
    """Issues that matched."""

    issues: list[IssueSummary]
    count: Annotated[int, Field(description="How many are listed.")]
    more: Annotated[bool, Field(description="Whether there are others that `limit` left out.")]


class Project(BaseModel):
    """A project that the caller may see."""

    key: str
    name: str
    lead: str | None = None
    description: str = ""


class ProjectList(BaseModel):
    """The projects that the caller may see."""

    projects: list[Project]
    count: int
    more: Annotated[bool, Field(description="Whether there are others beyond the first 500.")]


class CreatedIssue(BaseModel):
    """A new issue."""

    key: str
    url: str
    summary: str


class AddedComment(BaseModel):
    """A new comment."""

    issue_key: str
    id: str
    author: str | None = None
    created: str = ""


class TransitionedIssue(BaseModel):
    """An issue after its status changed."""

    issue_key: str
    transition: Annotated[str, Field(description="The transition that was made.")]
    status: Annotated[str, Field(description="The status it has now.")]


def issue_summary(raw: Mapping[str, Any], site: str) -> IssueSummary:
    """A list entry from Jira's issue; KeyError, TypeError or ValueError if it is none."""
    return IssueSummary(**_summary(raw, site))


def issue(raw: Mapping[str, Any], site: str) -> Issue:
    """The whole issue; KeyError, TypeError or ValueError if it is none."""
    fields = raw["fields"]
    comments = (fields.get("comment") or {}).get("comments") or []
    return Issue(
        **_summary(raw, site),
        project=_name(fields.get("project")) or "",
        reporter=_person(fields.get("reporter")),
        created=fields.get("created") or "",
        labels=list(fields.get("labels") or []),
        description=plain(fields.get("description")),
        comments=[comment(one) for one in comments[-COMMENTS_SHOWN:]],
    )


def comment(raw: Mapping[str, Any]) -> Comment:
    """A comment from Jira's."""
    return Comment(author=_person(raw.get("author")), created=raw.get("created") or "", body=plain(raw.get("body")))


def project(raw: Mapping[str, Any]) -> Project:
    """A project from Jira's."""
    return Project(
        key=raw["key"], name=raw["name"], lead=_person(raw.get("lead")), description=raw.get("description") or ""
    )


def browse(site: str, key: str) -> str:
    """An issue's page at the site's own address; "" where that is not known."""
    return f"{site}/browse/{key}" if site else ""


def _summary(raw: Mapping[str, Any], site: str) -> dict[str, Any]:
    fields = raw["fields"]
    return {
        "key": raw["key"],
        "summary": fields["summary"] or "",
        "status": fields["status"]["name"],
        "type": _name(fields.get("issuetype")) or "",
        "priority": _name(fields.get("priority")),
        "assignee": _person(fields.get("assignee")),
        "updated": fields.get("updated") or "",
        "url": browse(site, raw["key"]),
    }


def _name(value: Mapping[str, Any] | None) -> str | None:
    return value.get("name") if value else None


def _person(value: Mapping[str, Any] | None) -> str | None:
    return value.get("displayName") if value else None
