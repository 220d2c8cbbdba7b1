"""What a person typed into tools' forms outlives an interruption: of the page, and of their session.

Streamlit drops what was typed as soon as a page is drawn without its form. So what a form holds is set aside when the
page stops for a reason of ours: in this tab, and where the session has ended also for the same person's next sign-in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import streamlit as st

from app import drafts
from app.forms import fields
from app.mcp_client import Tool
from app.process import AppProcess
from app.session import Person
from app.texts import t
from app.view import press, visitor
from common.servers import MCP_SERVERS
from fastmcp_vault.errors import Problem

_SECONDS = 10.0

_ASIDE = f"{visitor.KEPT}.typed"
"""Values that wait for their form, by the widget's key."""

_STOPPED = f"{visitor.KEPT}.typed.stopped"
_LOOKED = f"{visitor.KEPT}.typed.looked"
_BACK = f"{visitor.KEPT}.typed.back"
"""The tools whose form was filled in, by the key of "Execute", and whether that is still to be said."""


def key(server: str, tool: str, name: str) -> str:
    """The key of a parameter's widget."""
    return f"arg.{server}.{tool}.{name}"


def execute_key(server: str, tool: str) -> str:
    """The key of a tool's "Execute"."""
    return f"execute.{server}.{tool}"


def stopped(server: str, tool: str) -> None:
    """The session ended after this tool's "Execute" was taken and before anything was sent."""
    st.session_state[_STOPPED] = execute_key(server, tool)


def set_aside(sub: str, *, ended: bool) -> bool:
    """Keep what the forms hold now; True if it is kept for the next sign-in of the person with the user id ``sub``.

    That is the form whose "Execute" was pressed: what others hold was sent before, or is in the browser only.
    """
    typed = _typed()
    pressed = st.session_state.pop(_STOPPED, "") or next(filter(press.waits, map(_execute, typed)), "")
    # What was pressed now is not to be done later, when nobody expects it any more.
    press.page_drawn()
    if not ended:
        st.session_state.setdefault(_ASIDE, {}).update(typed)
        st.session_state.setdefault(_BACK, {})[pressed] = False
        return False
    form = {name: value for name, value in typed.items() if _execute(name) == pressed}
    return bool(form) and _kept_for_later(sub, form)


def form_of(server: str, tool: str, arguments: Mapping[str, Any]) -> drafts.Typed:
    """What a tool was called with, as its form holds it: for the person's way to another site and back."""
    return {key(server, tool, name): value for name, value in arguments.items() if isinstance(value, str | int | float)}


def page_of(servers: Iterable[str]) -> drafts.Typed:
    """These servers' forms as they are: to be loaded again, and filled in, when the person comes back to the page."""
    return {**{key(server, "", ""): "" for server in servers}, **_typed()}


def _execute(name: str) -> str:
    """The key of the "Execute" beside a parameter's widget; a parameter's name has no dot."""
    return f"execute.{name.removeprefix('arg.').rpartition('.')[0]}"


def bring_back(person: Person, server: str = "") -> tuple[str, ...]:
    """Take over what this person had typed when they left; the servers to load, ``server`` whatever was typed."""
    if st.session_state.get(_LOOKED):
        return ()
    try:
        process = AppProcess.current()
        found = process.loop.run(drafts.take(process, person.sub), timeout=_SECONDS)
    except Problem:
        return ()
    st.session_state[_LOOKED] = True
    if found:
        st.session_state[_ASIDE] = dict(found)
        st.session_state[_BACK] = {_execute(name): True for name, value in found.items() if value != ""}
    return tuple(s for s in MCP_SERVERS if s == server or any(name.startswith(f"arg.{s}.") for name in found))


def fill(server: str, tool: Tool) -> None:
    """Put into this tool's widgets, which are about to be drawn, what waits for them."""
    waiting: MutableMapping[str, Any] = st.session_state.get(_ASIDE) or {}
    for field in fields(tool.schema) if waiting else ():
        name = key(server, tool.name, field.name)
        if name not in waiting:
            continue
        value = waiting.pop(name)
        if field.takes(value):
            st.session_state[name] = value


def is_back(server: str, tool: str) -> bool:
    """Whether this tool's form was filled in with what was typed before."""
    return execute_key(server, tool) in st.session_state.get(_BACK, {})


def tell(server: str, tool: str) -> None:
    """Say so, until the tool is executed."""
    if st.session_state.get(_BACK, {}).get(execute_key(server, tool)):
        st.info(t("typed.back"), icon=":material/restore_page:")


def told(server: str, tool: str) -> None:
    """The tool was executed: it need not be said any more."""
    if is_back(server, tool):
        st.session_state[_BACK][execute_key(server, tool)] = False


def _typed() -> dict[str, str | int | float]:
    """What the forms of this page hold."""
    held = {str(name): value for name, value in st.session_state.items() if str(name).startswith("arg.")}
    return {name: value for name, value in held.items() if isinstance(value, str | int | float) and value != ""}


def _kept_for_later(sub: str, typed: drafts.Typed) -> bool:
    try:
        process = AppProcess.current()
        return process.loop.run(drafts.keep(process, sub, typed), timeout=_SECONDS)
    except Problem:
        return False
