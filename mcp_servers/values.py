"""PostgreSQL's values as JSON can carry them: exact where JSON is exact, PostgreSQL's own text where it is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.types.string import TextLoader

TEXT_LIMIT = 10_000
"""Characters of one value that are passed on."""

SAFE_INTEGER = 2**53 - 1
"""Beyond this, a reader of JSON may lose digits (RFC 8259 §6)."""

# Loaded as PostgreSQL writes them: Python's types cannot hold all of their values (infinity, years before 1,
# 24:00, months in intervals).
_AS_TEXT = ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "inet", "cidr", "hstore")


class _Bytes(Loader):
    """``bytea`` as PostgreSQL writes it: ``\\x`` and hexadecimal digits."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("ascii")


def adapters() -> AdaptersMap:
    """psycopg's adapters, with the types that Python cannot hold loaded as text."""
    adapted = AdaptersMap(psycopg.adapters)
    for name in _AS_TEXT:
        if adapted.types.get(name) is not None:
            adapted.register_loader(name, TextLoader)
    adapted.register_loader("bytea", _Bytes)
    return adapted


def jsonable(value: Any) -> Any:  # noqa: PLR0911 - one line per type
    """``value`` as JSON: numbers that JSON keeps exact stay numbers, long texts are cut and say so."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _cut(f"\\x{bytes(value).hex()}")
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [jsonable(v) for v in value]
    return _cut(str(value)) if not isinstance(value, UUID) else str(value)


def cut(value: bytes) -> str:
    """The beginning of a value that is too long to make anything of, as PostgreSQL writes it."""
    return f"{value[:TEXT_LIMIT].decode('utf-8', 'ignore')}… (cut: {len(value):,} bytes)"


def _decimal(value: Decimal) -> int | float | str:
    """A number if it comes back from JSON as the same number, its digits as text otherwise."""
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and value.as_tuple().exponent == 0:
        return int(value) if abs(value) <= SAFE_INTEGER else str(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def _cut(text: str) -> str:
    # PostgreSQL's text cannot hold NUL, but lone surrogates may come from JSON values.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}… (cut: {len(text):,} characters)"
