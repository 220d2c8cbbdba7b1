"""The traces of what this person did in this browser tab, so that one page can point to what another did."""

from __future__ import annotations

from collections import deque

import streamlit as st

from app.view import visitor
from fastmcp_vault.tracing import Trace

KEPT = 30
"""How many are remembered, the newest."""

NOTED = 500
"""How many actions without a trace are remembered, the newest."""

_KEY, _NOTED = f"{visitor.KEPT}.traces", f"{visitor.KEPT}.noted"


def remember(trace: Trace) -> None:
    """Remember one; it is masked, as every trace."""
    known: deque[Trace] = st.session_state.setdefault(_KEY, deque(maxlen=KEPT))
    if not any(one.id == trace.id for one in known):
        known.append(trace)


def note(correlation_id: str, action: str) -> None:
    """Remember what was done under an id, where there is no trace of it."""
    known: dict[str, str] = st.session_state.setdefault(_NOTED, {})
    known[correlation_id] = action
    for oldest in list(known)[:-NOTED]:
        del known[oldest]


def noted() -> dict[str, str]:
    """The actions without a trace, by correlation id."""
    return dict(st.session_state.get(_NOTED, {}))


def remembered() -> list[Trace]:
    """Those that are remembered, the newest first."""
    return list(reversed(st.session_state.get(_KEY, ())))
