"""JQL's meaning: which of the issues that someone may see answer a query, and in which order.

Values that do not exist for the asker (a project they may not see, an unknown person) are errors, as in Jira.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from mock_services.jira import text
from mock_services.jira.jql import And, Clause, Empty, Function, Node, Operand, Query, Sort
from mock_services.jira.lexer import JqlError
from mock_services.jira.model import ISSUE_TYPES, PRIORITIES, RESOLUTION, STATUSES, JiraIssue, Option, choose
from mock_services.jira.moments import moment
from mock_services.jira.site import People, Site
from mock_services.people import MockPerson

Predicate = Callable[[JiraIssue], bool]

_ORDERING = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_EQUAL = frozenset({"=", "!=", "IN", "NOT IN"})
_EMPTIABLE = frozenset({"IS", "IS NOT"})
_NEGATIVE = frozenset({"!=", "NOT IN", "!~", "IS NOT"})
_TEXT = frozenset({"~", "!~"})

_ALIASES = {
    "issuekey": "key", "issue": "key", "id": "key", "type": "issuetype", "due": "duedate",
    "createddate": "created", "updateddate": "updated", "resolutiondate": "resolved",
    "resolveddate": "resolved", "label": "labels",
}  # fmt: skip

_CHOICES: dict[str, tuple[tuple[Option, ...], Callable[[JiraIssue], Option | None]]] = {
    "status": (STATUSES, lambda issue: issue.status),
    "issuetype": (ISSUE_TYPES, lambda issue: issue.type),
    "priority": (PRIORITIES, lambda issue: issue.priority),
    "resolution": ((RESOLUTION,), lambda issue: RESOLUTION if issue.resolved else None),
}
_PEOPLE: dict[str, Callable[[JiraIssue], str | None]] = {
    "assignee": lambda issue: issue.assignee,
    "reporter": lambda issue: issue.reporter,
    "creator": lambda issue: issue.reporter,
}
_TIMES: dict[str, Callable[[JiraIssue], datetime | None]] = {
    "created": lambda issue: issue.created,
    "updated": lambda issue: issue.updated,
    "resolved": lambda issue: issue.resolved,
    "duedate": lambda issue: datetime.combine(issue.due, time(), UTC) if issue.due else None,
}


@dataclass(frozen=True)
class Search:
    """One search: who asks, in which site, among whom, at what time."""

    site: Site
    viewer: MockPerson
    people: People
    now: datetime

    def run(self, query: Query) -> list[JiraIssue]:
        """The issues that answer ``query``, ordered. Raises ``JqlError``."""
        matches = self._predicate(query.where) if query.where else lambda _issue: True
        order = [(self._sort_key(sort), sort.descending) for sort in query.order]
        found = [issue for issue in self.site.issues(self.viewer) if matches(issue)]
        for key, descending in reversed(order):
            found.sort(key=key, reverse=descending)
        return found

    def _predicate(self, node: Node) -> Predicate:
        if isinstance(node, Clause):
            return self._clause(node)
        parts = [self._predicate(part) for part in node.parts]
        if isinstance(node, And):
            return lambda issue: all(part(issue) for part in parts)
        return lambda issue: any(part(issue) for part in parts)

    def _clause(self, clause: Clause) -> Predicate:
        name = canonical(clause.field)
        if name in _CHOICES:
            return self._choice(clause, name)
        if name in _TIMES:
            return self._time(clause, name)
        if name in _PEOPLE:
            person = _PEOPLE[name]
            return self._member(clause, _EQUAL | _EMPTIABLE, self._username, lambda i: _some(person(i)))
        others = {"project": self._project, "key": self._key, "statuscategory": self._category, "labels": self._labels}
        return others.get(name, self._text)(clause)

    def _project(self, clause: Clause) -> Predicate:
        return self._member(clause, _EQUAL | _EMPTIABLE, self._project_key, lambda i: [i.project.key])

    def _category(self, clause: Clause) -> Predicate:
        return self._member(clause, _EQUAL, _category, lambda i: [i.status.category])

    def _labels(self, clause: Clause) -> Predicate:
        return self._member(clause, _EQUAL | _EMPTIABLE, _plain, lambda i: [label.lower() for label in i.labels])

    def _member(
        self,
        clause: Clause,
        supported: frozenset[str],
        resolve: Callable[[Clause, Operand], str | None],
        values: Callable[[JiraIssue], Sequence[str]],
    ) -> Predicate:
        """Equality and membership; ``resolve`` gives None for EMPTY. An empty field never matches ``!=``."""
        _supports(clause, supported)
        wanted = {resolve(clause, operand) for operand in clause.operands}
        if clause.operator in _NEGATIVE:
            return lambda issue: bool(values(issue)) and wanted.isdisjoint(values(issue))
        return lambda issue: not wanted.isdisjoint(values(issue) or [None])

    def _choice(self, clause: Clause, name: str) -> Predicate:
        options, value = _CHOICES[name]
        if clause.operator in _ORDERING and name == "priority":
            compare, rank = _ORDERING[clause.operator], _option_id(clause, clause.operands[0], options)
            return lambda issue: compare(-int(issue.priority.id), -int(rank or 0))

        def resolve(_clause: Clause, operand: Operand) -> str | None:
            return _option_id(clause, operand, options)

        return self._member(clause, _EQUAL | _EMPTIABLE, resolve, lambda i: _some(o.id if (o := value(i)) else None))

    def _key(self, clause: Clause) -> Predicate:
        _supports(clause, _EQUAL | frozenset(_ORDERING))
        wanted = [self._issue(clause, operand) for operand in clause.operands]
        if clause.operator in _ORDERING:
            compare, other = _ORDERING[clause.operator], wanted[0]
            return lambda issue: issue.project is other.project and compare(issue.number, other.number)
        ids = {issue.id for issue in wanted}
        return lambda issue: (issue.id in ids) != (clause.operator in _NEGATIVE)

    def _time(self, clause: Clause, name: str) -> Predicate:
        _supports(clause, _EQUAL | _EMPTIABLE | frozenset(_ORDERING))
        value = _TIMES[name]
        if any(isinstance(operand, Empty) for operand in clause.operands):
            return lambda issue: (value(issue) is None) != (clause.operator in _NEGATIVE)
        moments = [moment(o, now=self.now, field=clause.field) for o in clause.operands if not isinstance(o, Empty)]
        if clause.operator in _ORDERING:
            compare = _ORDERING[clause.operator]
            return lambda issue: (at := value(issue)) is not None and compare(at, moments[0])
        minute = timedelta(minutes=1)  # Jira compares to the minute

        def equal(at: datetime) -> bool:
            return any(wanted <= at < wanted + minute for wanted in moments)

        return lambda issue: (at := value(issue)) is not None and equal(at) != (clause.operator in _NEGATIVE)

    def _text(self, clause: Clause) -> Predicate:
        name = canonical(clause.field)
        fields = text.FIELDS.get(name)
        if fields is None:
            raise JqlError(f"Field '{clause.field}' does not exist or you do not have permission to view it.")
        _supports(clause, _TEXT | _EMPTIABLE if name in ("description", "comment") else _TEXT)
        operand = clause.operands[0]
        if isinstance(operand, Empty):
            return lambda issue: (not any(fields(issue))) != (clause.operator in _NEGATIVE)
        if isinstance(operand, Function):
            raise JqlError(f"Unable to find JQL function '{operand.name}({', '.join(operand.arguments)})'.")
        contains = text.matcher(operand)
        return lambda issue: any(contains(piece) for piece in fields(issue)) != (clause.operator in _NEGATIVE)

    def _project_key(self, clause: Clause, operand: Operand) -> str | None:
        if isinstance(operand, Empty):
            return None
        wanted = _value(clause, operand)
        for project in self.site.projects(self.viewer):
            if wanted.lower() in (project.key.lower(), project.name.lower(), str(project.id)):
                return project.key
        raise JqlError(f"The value '{wanted}' does not exist for the field '{clause.field}'.")

    def _issue(self, clause: Clause, operand: Operand) -> JiraIssue:
        wanted = _value(clause, operand)
        found = self.site.issue(self.viewer, wanted)
        if found is None:
            raise JqlError(f"An issue with key '{wanted}' does not exist for field '{clause.field}'.")
        return found

    def _username(self, clause: Clause, operand: Operand) -> str | None:
        if isinstance(operand, Empty):
            return None
        if isinstance(operand, Function):
            if operand.name.lower() == "currentuser" and not operand.arguments:
                return self.viewer.username
            raise JqlError(f"Unable to find JQL function '{operand.name}({', '.join(operand.arguments)})'.")
        person = self.people.find(operand)
        if person is None:
            raise JqlError(f"The value '{operand}' does not exist for the field '{clause.field}'.")
        return person.username

    def _sort_key(self, sort: Sort) -> Callable[[JiraIssue], Any]:
        name = canonical(sort.field)
        if name in _TIMES:
            value = _TIMES[name]
            return lambda issue: value(issue) or datetime.max.replace(tzinfo=UTC)
        if name in _PEOPLE:
            person = _PEOPLE[name]
            return lambda issue: (0, self.people.get(who).name.lower()) if (who := person(issue)) else (1, "")
        keys: dict[str, Callable[[JiraIssue], Any]] = {
            "project": lambda issue: issue.project.key,
            "key": lambda issue: (issue.project.key, issue.number),
            "status": lambda issue: issue.status.id,
            "statuscategory": lambda issue: issue.status.id,
            "issuetype": lambda issue: issue.type.name,
            "priority": lambda issue: -int(issue.priority.id),
            "resolution": lambda issue: issue.resolved is None,
            "summary": lambda issue: issue.summary.lower(),
        }
        if name not in keys:
            raise JqlError(f"Not able to sort using field '{sort.field}'.")
        return keys[name]


def canonical(field: str) -> str:
    """The one name of a field that JQL knows by several."""
    lower = field.lower()
    return _ALIASES.get(lower, lower)


def _supports(clause: Clause, supported: Iterable[str]) -> None:
    if clause.operator not in supported:
        raise JqlError(f"The operator '{clause.operator.lower()}' is not supported by the '{clause.field}' field.")


def _value(clause: Clause, operand: Operand) -> str:
    if isinstance(operand, Empty):
        raise JqlError(f"The field '{clause.field}' does not support searching for an empty value.")
    if isinstance(operand, Function):
        raise JqlError(f"Unable to find JQL function '{operand.name}({', '.join(operand.arguments)})'.")
    return operand


def _plain(clause: Clause, operand: Operand) -> str | None:
    return None if isinstance(operand, Empty) else _value(clause, operand).lower()


def _option_id(clause: Clause, operand: Operand, options: tuple[Option, ...]) -> str | None:
    if isinstance(operand, Empty):
        return None
    wanted = _value(clause, operand)
    if clause.field.lower() == "resolution" and wanted.lower() == "unresolved":
        return None
    found = choose(options, wanted)
    if found is None:
        raise JqlError(f"The value '{wanted}' does not exist for the field '{clause.field}'.")
    return found.id


def _category(clause: Clause, operand: Operand) -> str | None:
    wanted = _value(clause, operand)
    for status in STATUSES:
        if wanted.lower() in (status.name.lower(), status.category):
            return status.category
    raise JqlError(f"The value '{wanted}' does not exist for the field '{clause.field}'.")


def _some(value: str | None) -> list[str]:
    return [] if value is None else [value]
