"""The time zone in which a visitor reads times: their browser's, or UTC where a browser does not say."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_known: ContextVar[tzinfo] = ContextVar("zone")


def zone() -> tzinfo:
    """The zone of the page that this thread draws, or that this task works for."""
    known = _known.get(None)
    if known is None:
        known = UTC if get_script_run_ctx(suppress_warning=True) is None else named(st.context.timezone)
        _known.set(known)
    return known


def named(name: str | None) -> tzinfo:
    """The zone of this IANA name, which a browser sends; UTC for anything that is not one."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return UTC
