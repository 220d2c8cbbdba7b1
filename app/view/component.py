"""A Streamlit component that our own scripts draw, put together from files of this folder; it downloads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def component(name: str, *files: str) -> Any:
    """The component ``name``, from the scripts and the styles among ``files`` (below ``app/view``, in this order).

    Its root is ``.flow.<name>``. Streamlit calls its default export at each change of the data.
    """
    text = {
        suffix: "\n".join((_HERE / file).read_text() for file in files if file.endswith(suffix))
        for suffix in (".js", ".css")
    }
    return st.components.v2.component(name, html=f'<div class="flow {name}"></div>', css=text[".css"], js=text[".js"])


def triggered(key: str, name: str) -> str:
    """The value that the component under ``key`` has just sent as ``name``."""
    return str(getattr(st.session_state.get(key), name, "") or "")
