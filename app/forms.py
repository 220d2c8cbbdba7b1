"""A tool's JSON schema as form fields, and what a person typed as the tool's arguments. Knows no Streamlit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.texts import t
from fastmcp_vault.errors import InputError

Kind = Literal["text", "area", "integer", "number", "boolean", "choice", "json"]

LONG_TEXT = {"sql", "description", "body", "text", "comment", "content"}
"""Parameters that hold more than a line, by name; ``format: multiline`` or a great ``maxLength`` says so too."""

LONG_LENGTH = 4_000

SAFE_INTEGER = 2**53 - 1
"""The largest integer that a browser keeps exact (ECMAScript's MAX_SAFE_INTEGER)."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One parameter of a tool. ``optional`` fields may stay empty, and are then not sent."""

    name: str
    kind: Kind
    optional: bool
    default: Any = None
    help: str = ""
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    pattern: str = ""
    example: str = ""

    @property
    def label(self) -> str:
        """The parameter's own name: scripts and documentation use it."""
        return self.name

    def takes(self, value: Any) -> bool:
        """Whether this parameter's widget can hold ``value``, of whatever version of the form that came from."""
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "boolean":
            return isinstance(value, bool)
        if self.kind in {"integer", "number"}:
            right = isinstance(value, int if self.kind == "integer" else int | float) and not isinstance(value, bool)
            low = -SAFE_INTEGER if self.minimum is None else self.minimum
            high = SAFE_INTEGER if self.maximum is None else self.maximum
            return right and low <= value <= high
        return isinstance(value, str)


def fields(schema: Mapping[str, Any]) -> list[FormField]:
    """The fields of an ``inputSchema`` (JSON Schema 2020-12), in its order."""
    required = set(schema.get("required", ()))
    definitions = schema.get("$defs", {})
    return [
        _field(name, _resolved(spec, definitions), required=name in required)
        for name, spec in schema.get("properties", {}).items()
    ]


def arguments(form: Sequence[FormField], values: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, as the tool's arguments; an empty optional field is left out.

    Raises InputError naming the first field that cannot be sent.
    """
    sent: dict[str, Any] = {}
    for field in form:
        value = values.get(field.name)
        if value is None or value == "":
            if field.optional:
                continue
            raise InputError(t("problem.empty", label=field.label), fix=t("problem.empty.fix"))
        sent[field.name] = _checked(field, value)
    return sent


def _checked(field: FormField, value: Any) -> Any:
    if field.kind == "json":
        try:
            return json.loads(value)
        except ValueError:
            raise InputError(t("problem.no-json", label=field.label), fix=t("problem.no-json.fix")) from None
    if isinstance(value, str):
        if field.max_length is not None and len(value) > field.max_length:
            raise InputError(
                t("problem.too-long", label=field.label, length=len(value), most=field.max_length),
                fix=t("problem.too-long.fix"),
            )
        if field.pattern and not _matches(field.pattern, value):
            what = (
                t("problem.form-example", label=field.label, example=field.example)
                if field.example
                else t("problem.form", label=field.label)
            )
            raise InputError(what, fix=t("problem.form.fix", pattern=field.pattern))
    return value


def _matches(pattern: str, value: str) -> bool:
    """JSON Schema's unanchored match. A pattern that Python cannot read, the server judges."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


def _field(name: str, spec: Mapping[str, Any], *, required: bool) -> FormField:
    kind = _kind(name, spec)
    examples = spec.get("examples") or ()
    return FormField(
        name=name,
        kind=kind,
        optional=not required,
        default=spec.get("default"),
        help=_help(spec),
        choices=tuple(spec.get("enum", ())) if kind == "choice" else (),
        minimum=_bound(spec, "minimum", "exclusiveMinimum", +1 if kind == "integer" else 0),
        maximum=_bound(spec, "maximum", "exclusiveMaximum", -1 if kind == "integer" else 0),
        max_length=spec.get("maxLength"),
        pattern=spec.get("pattern", ""),
        example=str(examples[0]) if examples else "",
    )


def _kind(name: str, spec: Mapping[str, Any]) -> Kind:
    if spec.get("enum"):
        return "choice"
    simple: dict[str, Kind] = {"integer": "integer", "number": "number", "boolean": "boolean"}
    kind = spec.get("type", "")
    if kind in simple:
        return simple[kind]
    if kind in {"array", "object"}:
        return "json"
    long = name in LONG_TEXT or spec.get("format") == "multiline" or spec.get("maxLength", 0) > LONG_LENGTH
    return "area" if long else "text"


def _resolved(spec: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """``spec`` with references followed and ``null`` taken out of unions: what is left of one value's description."""
    merged = dict(spec)
    if "$ref" in merged:
        merged = {**definitions.get(str(merged.pop("$ref")).rsplit("/", 1)[-1], {}), **merged}
    for union in ("anyOf", "oneOf", "allOf"):
        options = [_resolved(o, definitions) for o in merged.pop(union, ()) if o.get("type") != "null"]
        if options:
            merged = {**options[0], **merged}
    kind = merged.get("type")
    if isinstance(kind, list):
        merged["type"] = next((k for k in kind if k != "null"), "string")
    if "const" in merged:
        merged["enum"] = [merged["const"]]
    if "enum" in merged:
        merged["enum"] = [choice for choice in merged["enum"] if choice is not None]
    return merged


def _bound(spec: Mapping[str, Any], inclusive: str, exclusive: str, step: int) -> float | None:
    if spec.get(inclusive) is not None:
        return float(spec[inclusive])
    return float(spec[exclusive]) + step if spec.get(exclusive) is not None else None


def _help(spec: Mapping[str, Any]) -> str:
    parts = [str(spec.get("description", "")).strip()]
    if spec.get("pattern"):
        parts.append(f"Pattern: {spec['pattern']}")
    if spec.get("examples"):
        parts.append("Example: " + ", ".join(str(e) for e in spec["examples"]))
    return " ".join(p if p.endswith((".", "!", "?")) or i else p + "." for i, p in enumerate(parts) if p)
