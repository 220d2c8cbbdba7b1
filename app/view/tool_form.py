"""A form made from a tool's JSON schema."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.forms import SAFE_INTEGER, FormField, arguments, fields
from app.mcp_client import Tool
from app.texts import t
from app.view import press, typed
from app.view.plain import plain
from fastmcp_vault.errors import InputError


def form(server: str, tool: Tool) -> dict[str, Any] | InputError | None:
    """Draw the form; the tool's arguments when "Execute" was just pressed, or what is wrong with them."""
    described = fields(tool.schema)
    with st.form(f"form.{server}.{tool.name}", border=False):
        if not described:
            st.caption(t("tools.no-parameters"))
        values = {field.name: _widget(field, typed.key(server, tool.name, field.name)) for field in described}
        press.form_submit_button(
            t("tools.execute"), key=typed.execute_key(server, tool.name), icon=":material/play_arrow:", type="primary"
        )
    if not press.taken(typed.execute_key(server, tool.name)):
        return None
    try:
        return arguments(described, values)
    except InputError as error:
        return error


def _widget(field: FormField, key: str) -> Any:
    label = t("tools.optional", name=field.label) if field.optional and field.default is None else field.label
    help_text = plain(field.help) if field.help else None
    placeholder = field.example or (t("tools.not-set") if field.optional else None)
    if field.kind == "choice":
        return _choice(field, label, help_text, key)
    if field.kind == "boolean":
        return _boolean(field, label, help_text, key)
    if field.kind in {"integer", "number"}:
        return _number(field, label, help_text, placeholder, key)
    text = "" if field.default is None else str(field.default)
    if field.kind in {"area", "json"}:
        return st.text_area(label, text, key=key, help=help_text, placeholder=placeholder, height=120)
    return st.text_input(label, text, key=key, help=help_text, placeholder=placeholder)


def _choice(field: FormField, label: str, help_text: str | None, key: str) -> Any:
    index = field.choices.index(field.default) if field.default in field.choices else None
    return st.selectbox(
        label, field.choices, index=index, key=key, help=help_text, placeholder=t("tools.not-set"), format_func=str
    )


def _boolean(field: FormField, label: str, help_text: str | None, key: str) -> bool | None:
    if field.default is None and field.optional:
        options = (True, False)
        return st.selectbox(
            label,
            options,
            index=None,
            key=key,
            help=help_text,
            placeholder=t("tools.not-set"),
            format_func=lambda v: str(v).lower(),
        )
    return st.checkbox(label, bool(field.default), key=key, help=help_text)


def _number(field: FormField, label: str, help_text: str | None, placeholder: str | None, key: str) -> Any:
    whole = field.kind == "integer"
    kind: type[int] | type[float] = int if whole else float

    def bound(value: float | None, otherwise: int) -> Any:
        """Streamlit wants every number of one kind; without a bound of its own a number stays exact in browsers."""
        return kind(otherwise if value is None else value)

    default: Any = None if field.default is None else kind(field.default)
    return st.number_input(
        label,
        min_value=bound(field.minimum, -SAFE_INTEGER),
        max_value=bound(field.maximum, SAFE_INTEGER),
        value=default,
        step=1 if whole else None,
        key=key,
        help=help_text,
        placeholder=placeholder,
    )
