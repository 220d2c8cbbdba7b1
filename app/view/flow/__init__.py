"""The trace's drawing as a component of its own: sequence diagram, waterfall, tokens. It downloads nothing.

It works in the browser alone: choosing and opening steps runs no script on the server. Only asking Vault for somebody
else's path does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.view.component import component, triggered

_FLOW = component(
    "flow",
    "flow/base.js",
    "flow/panel.js",
    "flow/sequence.js",
    "flow/waterfall.js",
    "flow/tokens.js",
    "flow/main.js",
    "flow/flow.css",
)


def flow(data: dict[str, Any], *, key: str, on_attempt: Callable[[str], None] = lambda _: None) -> None:
    """Draw a trace, as :func:`app.flow.drawing.drawing` describes it.

    ``on_attempt`` gets the server for which somebody else's path is to be asked for.
    """
    _FLOW(
        data=data,
        key=key,
        on_attempt_change=lambda: on_attempt(triggered(key, "attempt")),
    )
