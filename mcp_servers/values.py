"""PostgreSQL's values as JSON can carry them: a JSON value where that is exact, PostgreSQL's own text elsewhere."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import postgres, pq
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.types.string import TextLoader

TEXT_LIMIT = 10_000
"""Characters of one value that are passed on."""

SAFE_INTEGER = 2**53 - 1
"""Beyond this, a reader of JSON may lose digits (RFC 8259 §6)."""

DEEPEST = 60
"""Levels of a JSON document that are passed on as JSON; a deeper one stays text, as not every reader follows it."""

_JSON_TYPES = ("json", "jsonb")
_NUMBERS = ("int2", "int4", "int8", "oid", "float4", "float8", "numeric")
_INTEGER = re.compile(r"-?[0-9]+")

_LONGEST_NUMBER = 40
"""Characters. A double has 17 digits at most, so that a longer number is not exact, or its zeros are not kept."""


class _Number(Loader):
    """A number: as a JSON number if every reader reads the same one, as PostgreSQL's text otherwise."""

    def load(self, data: Buffer) -> int | float | str:
        return number(bytes(data).decode("ascii"))


class _Json(TextLoader):
    """A JSON document: as JSON if nothing is lost on the way, as PostgreSQL's text otherwise."""

    def load(self, data: Buffer) -> Any:
        text = super().load(data)
        return document(text) if isinstance(text, str) else text


class _Bytes(Loader):
    """``bytea`` as PostgreSQL writes it, which is all ASCII."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("ascii")


class _Array(TextLoader):
    """An array as a list. One that does not count from 1 stays text: its bounds (``[0:1]={…}``) belong to it."""

    elements: type[Loader]
    """psycopg's own loader for arrays of this type."""

    def __init__(self, oid: int, context: psycopg.abc.AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._list = self.elements(oid, context)

    def load(self, data: Buffer) -> Any:
        return super().load(data) if bytes(data[:1]) == b"[" else self._list.load(data)


def adapters() -> AdaptersMap:
    """psycopg's adapters, with every type loaded as PostgreSQL writes it, but for those that JSON holds exactly."""
    adapted = AdaptersMap(psycopg.adapters)
    for info in postgres.types:
        if info.name != "bool":
            adapted.register_loader(info.oid, _loader(info.name))
        if info.array_oid:
            known = adapted.get_loader(info.array_oid, pq.Format.TEXT)
            assert known is not None
            loader = type(f"{info.name}_array", (_Array,), {"elements": known})
            adapted.register_loader(info.array_oid, loader)
    return adapted


def _loader(name: str) -> type[Loader]:
    if name in _NUMBERS:
        return _Number
    if name in _JSON_TYPES:
        return _Json
    return _Bytes if name == "bytea" else TextLoader


def number(text: str) -> int | float | str:
    """PostgreSQL's number as a JSON number that is exactly as great, or as the text that it is."""
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text) if abs(int(text)) <= SAFE_INTEGER and text != "-0" else text
    value = float(text)
    if not math.isfinite(value) or _minus_zero(value):
        return text
    exact = Decimal(repr(value)) == Decimal(text)
    written_out = "e" not in text.lower() and abs(value) > SAFE_INTEGER
    return value if exact and not written_out else text


def document(text: str) -> Any:
    """A JSON document from its text; the text itself where reading it would lose something.

    What is lost otherwise: the first of two values with one name, and half a surrogate pair. A number that JSON's
    readers would round is its digits as text.
    """
    try:
        read = json.loads(
            text, parse_int=number, parse_float=number, parse_constant=_unreadable, object_pairs_hook=_object
        )
        read_again = text if "\\u" not in text else json.dumps(read, ensure_ascii=False)
        read_again.encode("utf-8")
    except (ValueError, RecursionError):
        return text
    return read if _depth_within(read, DEEPEST) else text


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("two values have one name")
    return read


def _unreadable(constant: str) -> None:
    raise ValueError(constant)


def _depth_within(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_depth_within(one, levels - 1) for one in inner)


def jsonable(value: Any) -> Any:
    """``value`` as JSON: numbers that JSON keeps exact stay numbers, long texts are cut and say so."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        exact = isinstance(value, float) and math.isfinite(value) and not _minus_zero(value)
        return value if exact else number(_spelled(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return _cut(f"\\x{bytes(value).hex()}")
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [jsonable(v) for v in value]
    return _cut(str(value))


def cut(value: bytes) -> str:
    """The beginning of a value that is too long to make anything of, as PostgreSQL writes it."""
    return f"{value[:TEXT_LIMIT].decode('utf-8', 'ignore')}… (cut: {len(value):,} bytes)"


def _spelled(value: float | Decimal) -> str:
    """A number in PostgreSQL's spelling."""
    if isinstance(value, float) and value == 0:
        return "-0"
    text = str(value)
    if text.lower().lstrip("-s").startswith("nan"):
        return "NaN"
    return text.replace("Infinity", "inf").replace("inf", "Infinity")


def _minus_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def _cut(text: str) -> str:
    # PostgreSQL's text cannot hold NUL or half a surrogate pair, but other values may.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}… (cut: {len(text):,} characters)"
