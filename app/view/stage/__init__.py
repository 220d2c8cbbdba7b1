"""The picture as a component: it lights up step by step, and plays a call. It downloads nothing.

Choosing a step runs no script on the server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_FLOW = _HERE.parent / "flow"
_SCRIPTS = (_FLOW / "base.js", _HERE / "picture.js", _HERE / "play.js", _HERE / "stage.js")
_STYLES = (_FLOW / "flow.css", _HERE / "stage.css")

_STAGE = st.components.v2.component(
    "stage",
    html='<div class="flow stage"></div>',
    css="\n".join(path.read_text() for path in _STYLES),
    js="\n".join(path.read_text() for path in _SCRIPTS),
)


def stage(data: dict[str, Any], *, key: str) -> None:
    """Draw what :func:`app.stage.picture` or :func:`app.stage.play` describes."""
    _STAGE(data=data, key=key)
