"""The picture as a component: it lights up step by step, and plays a call. It downloads nothing.

Choosing a step runs no script on the server.
"""

from __future__ import annotations

from typing import Any

from app.view.component import component

_STAGE = component(
    "stage", "flow/base.js", "stage/picture.js", "stage/play.js", "stage/stage.js", "flow/flow.css", "stage/stage.css"
)


def stage(data: dict[str, Any], *, key: str) -> None:
    """Draw what :func:`app.stage.picture` or :func:`app.stage.play` describes."""
    _STAGE(data=data, key=key)
