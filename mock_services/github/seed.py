"""Reads ``seed.yaml`` into repositories. Every number and every date is the same at each start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mock_services.github.model import GithubComment, GithubItem, GithubRepository, Pull, stable_id

FIRST_DAY = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("seed.yaml").read_text(encoding="utf-8"))
    return document


def organisation() -> Mapping[str, str]:
    """The one organisation: ``login``, ``name``, ``description``."""
    found: dict[str, str] = _document()["organisation"]
    return found


def repositories() -> list[GithubRepository]:
    """The repositories that are there at every start."""
    return [_repository(row, row["owner"]) for row in _document()["repositories"]]


def personal(login: str) -> list[GithubRepository]:
    """The repositories that every account has of its own."""
    return [_repository(row, login) for row in _document()["personal"]]


def _repository(row: Mapping[str, Any], owner: str) -> GithubRepository:
    members = row.get("members")
    if members is None and owner != organisation()["login"]:
        members = []  # a person's repository has no organisation behind it
    repository = GithubRepository(
        owner=owner,
        name=row["name"],
        description=row["description"],
        language=row["language"],
        topics=list(row["topics"]),
        private=row.get("private", False),
        members=None if members is None else frozenset(members),
        created=FIRST_DAY,
    )
    for number, entry in enumerate(row["items"], start=1):
        repository.items.append(_item(repository, number, entry))
    return repository


def _item(repository: GithubRepository, number: int, entry: Mapping[str, Any]) -> GithubItem:
    def login(name: str) -> str:
        return repository.owner if name == "self" else name

    created = FIRST_DAY + timedelta(days=9 * number, minutes=23 * number)
    touched = created + timedelta(days=3, hours=number)
    kind = entry.get("pull")
    ended = touched if kind == "merged" or entry.get("state") == "closed" else None
    return GithubItem(
        number=number,
        title=entry["title"],
        body=entry["body"],
        author=login(entry["by"]),
        created=created,
        updated=touched,
        labels=list(entry["labels"]),
        assignees=[login(name) for name in entry.get("assignees", ())],
        closed=ended,
        reason="completed" if ended and not kind else None,
        pull=Pull(entry["branch"], draft=kind == "draft", merged=touched if kind == "merged" else None)
        if kind
        else None,
        comments=[
            GithubComment(
                stable_id("comment", repository.full_name, number, order), author, text, created + timedelta(days=1)
            )
            for order, (author, text) in enumerate(entry.get("comments", ()))
        ],
    )
