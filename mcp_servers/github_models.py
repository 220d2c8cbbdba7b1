"""What the GitHub tools answer: small and pleasant, made from GitHub's REST shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field


class Repository(BaseModel):
    """A repository."""

    full_name: Annotated[str, Field(description="Such as octo-org/hello-world.")]
    description: str = ""
    private: bool
    language: str | None = None
    stars: int = 0
    open_issues: int = 0
    default_branch: str = ""
    updated_at: str = ""
    url: str = ""


class RepositoryList(BaseModel):
    """Repositories that the caller may see."""

    repositories: list[Repository]
    count: int
    more: Annotated[bool, Field(description="Whether there are others beyond the first 500.")]


class IssueSummary(BaseModel):
    """An issue in a list."""

    number: int
    title: str
    state: str
    author: str | None = None
    assignees: list[str] = Field(default_factory=list)
    labels: list[str] = Field(default_factory=list)
    comments: int = 0
    created_at: str = ""
    updated_at: str = ""
    url: str = ""


class Issue(IssueSummary):
    """An issue in full."""

    body: str = ""
    closed_at: str | None = None


class IssueList(BaseModel):
    """Issues of a repository; pull requests are left out."""

    issues: list[IssueSummary]
    count: int
    more: Annotated[bool, Field(description="Whether there are others beyond those listed.")]


class PullRequest(BaseModel):
    """A pull request in a list."""

    number: int
    title: str
    state: str
    draft: bool = False
    author: str | None = None
    head: Annotated[str, Field(description="The branch it comes from.")] = ""
    base: Annotated[str, Field(description="The branch it goes into.")] = ""
    created_at: str = ""
    merged_at: str | None = None
    url: str = ""


class PullRequestList(BaseModel):
    """Pull requests of a repository."""

    pull_requests: list[PullRequest]
    count: int
    more: Annotated[bool, Field(description="Whether there are others beyond those listed.")]


def repository(raw: Mapping[str, Any]) -> Repository:
    """From GitHub's repository; KeyError, TypeError or ValueError if it is none."""
    return Repository(
        full_name=raw["full_name"],
        description=raw.get("description") or "",
        private=raw["private"],
        language=raw.get("language"),
        stars=raw.get("stargazers_count") or 0,
        open_issues=raw.get("open_issues_count") or 0,
        default_branch=raw.get("default_branch") or "",
        updated_at=raw.get("updated_at") or "",
        url=raw.get("html_url") or "",
    )


def issue_summary(raw: Mapping[str, Any]) -> IssueSummary:
    """From GitHub's issue; KeyError, TypeError or ValueError if it is none."""
    return IssueSummary(**_issue(raw))


def issue(raw: Mapping[str, Any]) -> Issue:
    """From GitHub's issue, in full; KeyError, TypeError or ValueError if it is none."""
    return Issue(**_issue(raw), body=raw.get("body") or "", closed_at=raw.get("closed_at"))


def pull_request(raw: Mapping[str, Any]) -> PullRequest:
    """From GitHub's pull request; KeyError, TypeError or ValueError if it is none."""
    return PullRequest(
        number=raw["number"],
        title=raw["title"],
        state=raw["state"],
        draft=bool(raw.get("draft")),
        author=_login(raw.get("user")),
        head=(raw.get("head") or {}).get("ref") or "",
        base=(raw.get("base") or {}).get("ref") or "",
        created_at=raw.get("created_at") or "",
        merged_at=raw.get("merged_at"),
        url=raw.get("html_url") or "",
    )


def _issue(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": raw["number"],
        "title": raw["title"],
        "state": raw["state"],
        "author": _login(raw.get("user")),
        "assignees": [a["login"] for a in raw.get("assignees") or []],
        "labels": [label if isinstance(label, str) else label["name"] for label in raw.get("labels") or []],
        "comments": raw.get("comments") or 0,
        "created_at": raw.get("created_at") or "",
        "updated_at": raw.get("updated_at") or "",
        "url": raw.get("html_url") or "",
    }


def _login(user: Mapping[str, Any] | None) -> str | None:
    return user.get("login") if user else None
