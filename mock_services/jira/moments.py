"""JQL's points in time: dates, relative dates such as ``-7d``, and functions such as ``startOfWeek(-1)``. UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from mock_services.jira.jql import Function
from mock_services.jira.lexer import JqlError

_RELATIVE = re.compile(r"([+-]?\d{1,6})([mhdw])")
_ABSOLUTE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?")
_INCREMENT = re.compile(r"([+-]?\d{1,4})([mhdwMy]?)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_PERIOD = re.compile(r"(start|end)of(day|week|month|year)")
_OWN_UNIT = {"day": "d", "week": "w", "month": "M", "year": "y"}


def moment(operand: str | Function, *, now: datetime, field: str) -> datetime:
    """The moment that a value or function stands for. Raises ``JqlError`` with Jira's kind of message."""
    try:
        return _function(operand, now) if isinstance(operand, Function) else _literal(operand, now, field)
    except (OverflowError, ValueError) as error:
        if isinstance(error, JqlError):
            raise
        shown = operand.name if isinstance(operand, Function) else operand
        raise JqlError(f"Date value '{shown}' for field '{field}' is invalid.") from error


def _literal(text: str, now: datetime, field: str) -> datetime:
    if found := _RELATIVE.fullmatch(text):
        return now + int(found[1]) * _UNITS[found[2]]
    found = _ABSOLUTE.fullmatch(text)
    if found is None:
        raise JqlError(
            f"Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
            f"'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
        )
    return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]


def _function(call: Function, now: datetime) -> datetime:
    name = call.name.lower()
    if name == "now" and not call.arguments:
        return now
    found = _PERIOD.fullmatch(name)
    if found is None:
        raise JqlError(f"Unable to find JQL function '{call.name}({', '.join(call.arguments)})'.")
    edge, period = found.groups()
    if call.arguments:
        step = _INCREMENT.fullmatch(call.arguments[0])
        if step is None or len(call.arguments) > 1:
            raise JqlError(f"Argument for the function '{call.name}' is not a valid offset, such as '-1' or '+2d'.")
        now = _shift(now, int(step[1]), step[2] or _OWN_UNIT[period])
    start = _start(now, period)
    return start if edge == "start" else _shift(start, 1, _OWN_UNIT[period]) - timedelta(milliseconds=1)


def _start(now: datetime, period: str) -> datetime:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        return day - timedelta(days=(day.weekday() + 1) % 7)  # Jira's week begins on Sunday
    if period == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if period == "year" else day


def _shift(now: datetime, amount: int, unit: str) -> datetime:
    if unit in _UNITS:
        return now + amount * _UNITS[unit]
    months = now.year * 12 + now.month - 1 + amount * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    last = (datetime(year + month // 11, (month + 1) % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day
    return now.replace(year=year, month=month + 1, day=min(now.day, last))
