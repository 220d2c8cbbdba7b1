"""Problems as sentences on the page."""

from __future__ import annotations

import streamlit as st

from app.texts import told_problem
from app.view.plain import prose
from fastmcp_vault.errors import Problem


def problem(error: Problem) -> None:
    """What happened and what to do about it, in a red or, when waiting may help, a yellow box."""
    text = prose(told_problem(error))
    if error.retryable:
        st.warning(text, icon=":material/sync_problem:")
    else:
        st.error(text, icon=":material/error:")
