"""The attack lab's board as a component: rows that open, and a guess before the answer. It downloads nothing.

Opening, choosing and guessing run no script on the server; sending does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_FLOW = _HERE.parent / "flow"
_STAGE = _HERE.parent / "stage"
_SCRIPTS = (_FLOW / "base.js", _FLOW / "panel.js", _STAGE / "picture.js", _HERE / "board.js")
_STYLES = (_FLOW / "flow.css", _STAGE / "stage.css", _HERE / "board.css")

_BOARD = st.components.v2.component(
    "board",
    html='<div class="flow board"></div>',
    css="\n".join(path.read_text() for path in _STYLES),
    js="\n".join(path.read_text() for path in _SCRIPTS),
)


def board(data: dict[str, Any], *, key: str, on_send: Callable[[str], None]) -> None:
    """Draw what :func:`app.lab.board.board` describes; ``on_send`` gets the id of an attack that is to be sent."""
    _BOARD(
        data=data,
        key=key,
        on_send_change=lambda: on_send(str(getattr(st.session_state.get(key), "send", "") or "")),
    )
