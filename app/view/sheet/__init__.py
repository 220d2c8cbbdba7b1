"""The isolation grid as a component: a table of cells to choose from, and the proof below. It downloads nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_FLOW = _HERE.parent / "flow"
_SCRIPTS = (_FLOW / "base.js", _FLOW / "panel.js", _HERE / "sheet.js")
_STYLES = (_FLOW / "flow.css", _HERE / "sheet.css")

_SHEET = st.components.v2.component(
    "sheet",
    html='<div class="flow sheet"></div>',
    css="\n".join(path.read_text() for path in _STYLES),
    js="\n".join(path.read_text() for path in _SCRIPTS),
)


def sheet(data: dict[str, Any], *, key: str, on_choose: Callable[[str], None]) -> None:
    """Draw what :mod:`app.lab.sheet` describes; ``on_choose`` gets the id of the cell that was chosen."""
    _SHEET(
        data=data,
        key=key,
        on_cell_change=lambda: on_choose(str(getattr(st.session_state.get(key), "cell", "") or "")),
    )
