"""The traces of what this person did in this browser tab, so that one page can point to what another did."""

from __future__ import annotations

from collections import deque

import streamlit as st

from app.view import visitor
from fastmcp_vault.tracing import Trace

KEPT = 30
"""How many are remembered, the newest."""

_KEY = f"{visitor.KEPT}.traces"


def remember(trace: Trace) -> None:
    """Remember one; it is masked, as every trace."""
    known: deque[Trace] = st.session_state.setdefault(_KEY, deque(maxlen=KEPT))
    if not any(one.id == trace.id for one in known):
        known.append(trace)


def remembered() -> list[Trace]:
    """Those that are remembered, the newest first."""
    return list(reversed(st.session_state.get(_KEY, ())))
