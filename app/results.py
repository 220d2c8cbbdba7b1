"""A tool's result as what a person reads best: facts, tables, text. Knows no Streamlit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shaped:
    """``facts`` are single values by name, ``tables`` rows by name, ``text`` what has no structure."""

    facts: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    text: str = ""


def shape(structured: Any, text: str = "") -> Shaped:
    """Sort a tool's ``structuredContent`` (or, without one, its ``text``) into facts, tables and text.

    FastMCP wraps a result that is no object as ``{"result": …}``; the wrapping is taken off.
    """
    value = _unwrapped(structured)
    if value is None:
        value = _parsed(text)
    if _is_rows(value):
        return Shaped(tables={"": [_flat_row(row) for row in value]})
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Shaped(tables={"": [{"value": _cell(item)} for item in value]})
    return Shaped(text=text if value is None else str(value))


def _object(value: Mapping[str, Any]) -> Shaped:
    columns, rows = value.get("columns"), value.get("rows")
    if isinstance(columns, list) and isinstance(rows, list) and not _is_rows(rows):
        names = [str(c.get("name", c) if isinstance(c, Mapping) else c) for c in columns]
        table = [dict(zip(names, (_cell(cell) for cell in row), strict=False)) for row in rows]
        rest = _object({k: v for k, v in value.items() if k not in {"columns", "rows"}})
        return Shaped(facts=rest.facts, tables={"rows": table, **rest.tables})
    facts: dict[str, Any] = {}
    tables: dict[str, list[Row]] = {}
    if _is_rows(rows):
        # The rows carry their columns' names themselves.
        value = {name: item for name, item in value.items() if name not in {"columns", "types"}}
    for name, item in value.items():
        if _is_rows(item) and (item or name == "rows"):
            tables[str(name)] = [_flat_row(row) for row in item]
        else:
            facts.update(_flat(str(name), item))
    return Shaped(facts=facts, tables=tables)


def _unwrapped(structured: Any) -> Any:
    if isinstance(structured, Mapping) and set(structured) == {"result"}:
        return structured["result"]
    return structured


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)


def _flat(name: str, item: Any) -> Row:
    """One level of a nested object as ``name.key``, so that a fact stays one line."""
    if isinstance(item, Mapping):
        return {f"{name}.{key}": _cell(inner) for key, inner in item.items()}
    return {name: _cell(item)}


def _flat_row(row: Mapping[str, Any]) -> Row:
    flat: Row = {}
    for name, item in row.items():
        flat.update(_flat(str(name), item))
    return flat


def _cell(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(item if isinstance(item, str) else json.dumps(item) for item in value)
    if isinstance(value, list | Mapping):
        return json.dumps(value, ensure_ascii=False)
    return value
