"""What a client may write into an issue: checks the fields of a request, with Jira's message for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from mock_services.jira import adf
from mock_services.jira.model import ISSUE_TYPES, PRIORITIES, Document, JiraProject, Option, choose
from mock_services.jira.site import Draft, People, Site
from mock_services.people import MockPerson

MAX_SUMMARY = 255
MAX_TEXT = 32_767


class FieldErrors(Exception):
    """Fields that cannot be set: a message for each, as Jira puts them into ``errors``."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Writer:
    """Reads the ``fields`` of one request, by the rules of REST ``version`` 2 or 3."""

    site: Site
    viewer: MockPerson
    people: People
    version: str

    def new(self, fields: Mapping[str, Any]) -> tuple[JiraProject, Draft]:
        """The project and draft that a creation asks for. Raises ``FieldErrors`` naming every bad field."""
        errors: dict[str, str] = {}
        project = self._project(fields.get("project"))
        if project is None:
            errors["project"] = "Specify a valid project ID or key"
        if not fields.get("issuetype"):
            errors["issuetype"] = "Specify an issue type"
        if not fields.get("summary"):
            errors["summary"] = "You must specify a summary of the issue."
        rest = {name: value for name, value in fields.items() if name != "project" and name not in errors}
        try:
            values = self.changes(rest)
        except FieldErrors as more:
            errors |= more.errors
        if errors or project is None:
            raise FieldErrors(errors)
        return project, Draft(**values)

    def changes(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes of an issue or draft, by name. Raises ``FieldErrors`` naming every bad field."""
        readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
            "summary": ("summary", _summary),
            "description": ("description", lambda value: None if value is None else self.document(value)),
            "issuetype": ("type", lambda value: _choice(value, ISSUE_TYPES, "Specify a valid issue type")),
            "priority": (
                "priority",
                lambda value: _choice(value, PRIORITIES, "Specify a valid 'name' or 'id' for priority"),
            ),
            "labels": ("labels", _labels),
            "assignee": ("assignee", self.assignee),
            "duedate": ("due", _date),
        }
        values: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for name, value in fields.items():
            if name not in readers:
                errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
                continue
            attribute, read = readers[name]
            try:
                values[attribute] = read(value)
            except ValueError as error:
                errors[name] = str(error)
        if errors:
            raise FieldErrors(errors)
        return values

    def document(self, value: Any) -> Document:
        """A description or comment: an ADF document in v3, text in v2. Raises ``ValueError``."""
        if self.version == "3":
            if not adf.valid(value):
                raise ValueError("Operation value must be an Atlassian Document (see the Atlassian Document Format)")
            text = adf.to_text(value)
        else:
            if not isinstance(value, str):
                raise ValueError("Operation value must be a string")
            text = value
        if len(text) > MAX_TEXT:
            raise ValueError(f"The entered text is too long. It exceeds the allowed limit of {MAX_TEXT:,} characters.")
        return value if self.version == "3" else adf.from_text(value)

    def assignee(self, value: Any) -> str | None:
        """The user name behind ``{"accountId": …}``; None leaves the issue to nobody. Raises ``ValueError``."""
        if value is None:
            return None
        wanted = (value.get("accountId") or value.get("id") or value.get("name")) if isinstance(value, dict) else value
        if wanted is None or wanted == "-1":
            return None
        person = self.people.find(str(wanted))
        if person is None:
            raise ValueError("Specify a valid value for assignee")
        return person.username

    def _project(self, value: Any) -> JiraProject | None:
        wanted = (value.get("key") or value.get("id")) if isinstance(value, dict) else value
        return self.site.project(self.viewer, str(wanted)) if wanted else None


def _summary(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("Operation value must be a string")
    if not value.strip():
        raise ValueError("You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise ValueError("The summary is invalid because it contains newline characters.")
    if len(value) > MAX_SUMMARY:
        raise ValueError("Summary can't exceed 255 characters.")
    return value.strip()


def _choice(value: Any, options: tuple[Option, ...], message: str) -> Option:
    wanted = (value.get("id") or value.get("name")) if isinstance(value, dict) else None
    found = choose(options, str(wanted)) if wanted else None
    if found is None:
        raise ValueError(message)
    return found


def _labels(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise ValueError("Operation value must be an array of strings")
    if any(not label or any(c.isspace() for c in label) for label in value):
        raise ValueError("The label contains spaces which is invalid.")
    return list(dict.fromkeys(value))


def _date(value: Any) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError("Error parsing date string: must be in the format yyyy-MM-dd") from error
