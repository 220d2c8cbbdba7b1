"""Values and documents, whatever they hold, come out as JSON and text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.adf import document, plain
from mcp_servers.values import SAFE_INTEGER, TEXT_LIMIT, jsonable

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_any_value_becomes_json_that_every_reader_reads_alike(value: Any) -> None:
    assert json.loads(json.dumps(jsonable(value), allow_nan=False), parse_constant=_never) == jsonable(value)


@given(st.integers())
def test_an_integer_that_json_readers_would_round_becomes_text(value: int) -> None:
    assert jsonable(value) == (value if abs(value) <= SAFE_INTEGER else str(value))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_its_value(value: Decimal) -> None:
    shown = jsonable(value)
    assert Decimal(repr(shown) if isinstance(shown, float) else shown) == value


@given(st.text(min_size=1, max_size=5))
def test_a_long_text_is_cut_and_says_how_long_it_was(piece: str) -> None:
    value = piece * (TEXT_LIMIT + 1)
    assert jsonable(value).endswith(f"(cut: {len(value):,} characters)")


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\n\r"), min_size=1), max_size=5))
def test_text_survives_the_way_through_a_document(lines: list[str]) -> None:
    text = "\n".join(line for line in lines if line.strip())
    assert plain(document(text)) == text.strip()


def _never(constant: str) -> None:
    raise AssertionError(constant)
