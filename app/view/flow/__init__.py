"""The trace's drawing as a component of its own: sequence diagram, waterfall, tokens. It downloads nothing.

It works in the browser alone: choosing and opening steps runs no script on the server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_SCRIPTS = ("base.js", "panel.js", "sequence.js", "waterfall.js", "tokens.js", "main.js")

_FLOW = st.components.v2.component(
    "flow",
    html='<div class="flow"></div>',
    css=(_HERE / "flow.css").read_text(),
    js="\n".join((_HERE / name).read_text() for name in _SCRIPTS),
)


def flow(data: dict[str, Any], *, key: str) -> None:
    """Draw a trace, as :func:`app.flow.drawing.drawing` describes it."""
    _FLOW(data=data, key=key)
