"""What pydantic finds wrong with a value, as clauses that another language can say too; never the value itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticKnownError

from fastmcp_vault.sentences import Sentence, joined

MOST = 5
"""Faults that are told of one value."""

_CLAUSES = {
    "missing": "is missing",
    "missing_argument": "is missing",
    "unexpected_keyword_argument": "is not an argument of this tool",
    "extra_forbidden": "is not known here",
    "string_too_long": "is longer than {max_length:,} characters",
    "string_too_short": "is shorter than {min_length} characters",
    "too_long": "holds more than {max_length:,}",
    "too_short": "holds fewer than {min_length:,}",
}
"""Where pydantic's own words would not help, or need values that it does not give."""

_SUBJECT = re.compile(r"^(?:Input|String|Value) should ")


def faults(error: ValidationError, *, whole: str = "arguments") -> Sentence:
    """The first faults, each with its place; ``whole`` names the value itself."""
    found = error.errors(include_url=False, include_input=False)[:MOST]
    return joined(
        "; ",
        (Sentence("`{place}` {clause}", place=".".join(map(str, f["loc"])) or whole, clause=clause(f)) for f in found),
    )


def clause(fault: Mapping[str, Any]) -> str:
    """What is wrong there, as the rest of a sentence that begins with the place."""
    kind, context = str(fault["type"]), dict(fault.get("ctx", {}))
    if kind == "string_too_short" and context["min_length"] == 1:
        return "is empty"
    if kind in _CLAUSES:
        return Sentence(_CLAUSES[kind], **context)
    said = _ours(str(fault["msg"]))
    try:
        template = PydanticKnownError(kind, context or None).message_template  # type: ignore[arg-type]
        told = Sentence(_ours(template), **{name: _plain(value) for name, value in context.items()})
    except (LookupError, TypeError):
        return said
    return told if told == said else said


def _ours(message: str) -> str:
    return _SUBJECT.sub("should ", message.removeprefix("Value error, ").rstrip("."))


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)
