"""A tool's JSON schema becomes fields, and what was typed becomes arguments."""

from __future__ import annotations

from typing import Any

import pytest

from app.forms import FormField, arguments, fields
from fastmcp_vault.errors import InputError

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["key", "count"],
    "$defs": {"State": {"enum": ["open", "closed"], "type": "string"}},
    "properties": {
        "key": {"type": "string", "pattern": "^[A-Z]+-[0-9]+$", "examples": ["PROJ-1"], "description": "The key"},
        "count": {"type": "integer", "minimum": 1, "exclusiveMaximum": 10, "default": 5},
        "ratio": {"anyOf": [{"type": "number", "maximum": 1}, {"type": "null"}], "default": None},
        "loud": {"type": "boolean", "default": False},
        "state": {"$ref": "#/$defs/State", "default": "open"},
        "sql": {"type": "string"},
        "note": {"type": "string", "format": "multiline"},
        "labels": {"type": ["array", "null"], "items": {"type": "string"}},
    },
}


def by_name() -> dict[str, FormField]:
    return {field.name: field for field in fields(SCHEMA)}


def test_each_kind_is_recognised() -> None:
    kinds = {name: field.kind for name, field in by_name().items()}
    assert kinds == {
        "key": "text",
        "count": "integer",
        "ratio": "number",
        "loud": "boolean",
        "state": "choice",
        "sql": "area",
        "note": "area",
        "labels": "json",
    }


def test_bounds_choices_defaults_and_help_are_taken_over() -> None:
    found = by_name()
    assert (found["count"].minimum, found["count"].maximum, found["count"].default) == (1, 9, 5)
    assert found["ratio"].maximum == 1
    assert (found["state"].choices, found["state"].default) == (("open", "closed"), "open")
    assert found["key"].help == "The key. Pattern: ^[A-Z]+-[0-9]+$ Example: PROJ-1"
    assert [name for name, field in found.items() if not field.optional] == ["key", "count"]


def test_an_empty_optional_field_is_not_sent() -> None:
    typed = {"key": "PROJ-1", "count": 2, "ratio": None, "note": "", "labels": "", "loud": False, "state": "open"}
    assert arguments(fields(SCHEMA), typed) == {"key": "PROJ-1", "count": 2, "loud": False, "state": "open"}


def test_json_is_sent_as_what_it_says() -> None:
    assert arguments(fields(SCHEMA), {"key": "A-1", "count": 1, "labels": '["a", "b"]'})["labels"] == ["a", "b"]


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({"key": "", "count": 1}, "key is empty"),
        ({"key": "A-1", "count": None}, "count is empty"),
        ({"key": "nonsense", "count": 1}, "for example PROJ-1"),
        ({"key": "A-1", "count": 1, "labels": "[a"}, "labels is not valid JSON"),
    ],
)
def test_what_cannot_be_sent_is_named(typed: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        arguments(fields(SCHEMA), typed)


def test_too_long_a_text_is_named_with_both_lengths() -> None:
    form = fields({"properties": {"body": {"type": "string", "maxLength": 10}}, "required": ["body"]})
    with pytest.raises(InputError, match="1,000,000 characters; 10 are allowed"):
        arguments(form, {"body": "x" * 1_000_000})


def test_a_tool_without_parameters_has_no_fields() -> None:
    assert fields({"type": "object", "properties": {}}) == []
    assert fields({}) == []
