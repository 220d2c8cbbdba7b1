"""Reads ``seed.yaml`` into projects and issues. Every id and every date is the same at each start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from mock_services.jira import adf
from mock_services.jira.model import (
    ISSUE_TYPES,
    PRIORITIES,
    STATUSES,
    JiraComment,
    JiraIssue,
    JiraProject,
    Option,
    choose,
)

FIRST_DAY = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
_SEED = Path(__file__).with_name("seed.yaml")


def projects() -> list[JiraProject]:
    """The projects as they are at every start."""
    issue_ids, comment_ids = count(10001), count(20001)
    found = []
    for number, entry in enumerate(yaml.safe_load(_SEED.read_text(encoding="utf-8"))["projects"]):
        members = entry.get("members")
        project = JiraProject(
            id=10000 + number,
            key=entry["key"],
            name=entry["name"],
            description=entry["description"],
            lead=entry["lead"],
            members=None if members is None else frozenset(members),
        )
        for position, row in enumerate(entry["issues"], start=1):
            project.issues.append(_issue(project, position, row, next(issue_ids), comment_ids))
        found.append(project)
    return found


def _issue(
    project: JiraProject, position: int, row: Mapping[str, Any], issue_id: int, comment_ids: count[int]
) -> JiraIssue:
    created = FIRST_DAY + timedelta(days=7 * position + project.id % 10, minutes=17 * position)
    status = _option(STATUSES, row["status"])
    comments = [
        JiraComment(next(comment_ids), author, adf.from_text(text), created + timedelta(days=1, hours=3 * order))
        for order, (author, text) in enumerate(row.get("comments", ()))
    ]
    touched = created + timedelta(days=2 + position % 3, hours=position % 7)
    assignee = row.get("assignee")
    return JiraIssue(
        id=issue_id,
        project=project,
        number=position,
        summary=row["summary"],
        description=adf.from_text(row["text"]),
        type=_option(ISSUE_TYPES, row["type"]),
        status=status,
        priority=_option(PRIORITIES, row["priority"]),
        reporter=project.lead if assignee != project.lead or position % 2 else "charlie",
        assignee=assignee,
        created=created,
        updated=touched,
        labels=list(row["labels"]),
        due=(created + timedelta(days=30)).date() if row["priority"] in ("Highest", "High") else None,
        resolved=touched if status.category == "done" else None,
        comments=comments,
    )


def _option(options: tuple[Option, ...], name: str) -> Option:
    found = choose(options, name)
    if found is None:
        raise ValueError(f"seed.yaml names {name!r}, which is not one of {[o.name for o in options]}")
    return found
