"""Buttons whose press is acted on even when the page is drawn anew before that.

Streamlit tells a script once that a button was pressed. When another interaction interrupts that run before it comes
to the button, the next run is told nothing, and the press would be lost. So a callback notes each press (callbacks run
before anything can interrupt a run), and the note stays until a run acts on it. Two more things belong to it:
``runner.fastReruns = false`` (``.streamlit/config.toml``; with fast reruns, Streamlit drops a run that has not begun),
and that a page keeps an action's outcome before it draws anything, because every ``st.…`` call can end the run.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.view import visitor

_NOTED = f"{visitor.KEPT}.pressed"


def button(label: str, *, key: str, **options: Any) -> None:
    """Draw ``st.button``; ask :func:`taken` when everything before the action is drawn."""
    st.button(label, key=key, on_click=_note, args=(key,), **options)


def form_submit_button(label: str, *, key: str, **options: Any) -> None:
    """Draw ``st.form_submit_button``; ask :func:`taken` as for a :func:`button`."""
    st.form_submit_button(label, key=key, on_click=_note, args=(key,), **options)


def waits(key: str) -> bool:
    """Whether this button was pressed and no run has acted on it."""
    return key in st.session_state.get(_NOTED, ())


def taken(key: str) -> bool:
    """The same, and the press is used up: the caller acts on it before drawing anything."""
    waiting = waits(key)
    if waiting:
        st.session_state[_NOTED].discard(key)
    return waiting


def page_drawn() -> None:
    """The whole page has been drawn: a press that found no button is void."""
    st.session_state.pop(_NOTED, None)


def _note(key: str) -> None:
    st.session_state.setdefault(_NOTED, set()).add(key)
