"""A tool's result on the page: tables as tables, one object as facts, the raw JSON beside it."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from app.mcp_client import ToolAnswer
from app.results import Row, Shaped, shape
from app.texts import t
from app.view.cards import table
from app.view.plain import plain

LONG = 160
"""Characters; a longer value stands below the table of the others."""


def show(answer: ToolAnswer, *, key: str) -> None:
    """The result, readable first and raw on demand."""
    shaped = shape(answer.structured, answer.text)
    st.markdown(f"**{t('tools.result')}**")
    _shaped(shaped)
    if answer.structured is not None:
        raw = st.expander(t("tools.result.raw"), key=f"raw.{key}", icon=":material/data_object:")
        raw.code(json.dumps(answer.structured, indent=2, ensure_ascii=False), language="json", wrap_lines=True)


def _shaped(shaped: Shaped) -> None:
    beside = shaped.tables and all(len(_said(value)) < 40 for value in shaped.facts.values())
    if not beside:
        _facts(shaped.facts)
    for name, rows in shaped.tables.items():
        _table(name, rows)
    if beside and shaped.facts:
        st.caption(" · ".join(f"{plain(name)}: {plain(_said(value))}" for name, value in shaped.facts.items()))
    if shaped.text:
        st.code(shaped.text, language=None, wrap_lines=True)
    if not (shaped.facts or shaped.tables or shaped.text):
        st.caption(t("tools.result.empty"))


def _facts(facts: dict[str, Any]) -> None:
    """Short values in two columns, long ones with their line breaks below; as text, never as Markdown."""
    said = {name: _said(value) for name, value in facts.items()}
    long = {name for name, value in said.items() if "\n" in value or len(value) > LONG}
    table([(plain(name), plain(value)) for name, value in said.items() if name not in long])
    for name in facts:
        if name in long:
            st.caption(plain(name))
            st.text(said[name])


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return t("value.yes") if value else t("value.no")
    return t("value.none") if value in (None, "") else str(value)


def _table(name: str, rows: list[Row]) -> None:
    count = t("tools.result.rows", count=len(rows)) if rows else t("tools.result.no-rows")
    st.caption(f"{name} · {count}" if name else count)
    if rows:
        st.dataframe(rows, hide_index=True)
