"""The trace's drawing as a component of its own: sequence diagram, waterfall, tokens. It downloads nothing.

It works in the browser alone: choosing and opening steps runs no script on the server. Only asking Vault for somebody
else's path does.
"""

from __future__ import annotations

from collections.abc import Callable
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


def flow(data: dict[str, Any], *, key: str, on_attempt: Callable[[str], None] = lambda _: None) -> None:
    """Draw a trace, as :func:`app.flow.drawing.drawing` describes it.

    ``on_attempt`` gets the server for which somebody else's path is to be asked for.
    """
    _FLOW(
        data=data,
        key=key,
        on_attempt_change=lambda: on_attempt(str(getattr(st.session_state.get(key), "attempt", "") or "")),
    )
