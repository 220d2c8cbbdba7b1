"""Buttons whose press is acted on even when the page is drawn anew before that.

Streamlit tells a script once that a button was pressed. When another interaction interrupts that run before it comes
to the button, the next run is told nothing, and the press would be lost. So a callback notes each press (callbacks run
before the run draws), and the note stays until a run acts on it. Three more things belong to it:
``runner.fastReruns = false`` (``.streamlit/config.toml``; with fast reruns, Streamlit drops a run that has not begun);
that a run is interrupted only where it draws, and not at its session state (below); and that a page keeps an action's
outcome before it draws anything, because every ``st.…`` call that draws can end the run.
"""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.runtime.state import SafeSessionState

from app.view import visitor

_NOTED = f"{visitor.KEPT}.pressed"

# Streamlit also looks for the next interaction at each access to the session state, the first of them before it runs
# the callbacks: a press was lost there, and so was an outcome that was about to be kept.
SafeSessionState._yield_callback = property(lambda state: lambda: None, lambda state, interrupt: None)  # type: ignore


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
