"""The attack lab's board as a component: rows that open, and a guess before the answer. It downloads nothing.

Opening, choosing and guessing run no script on the server; sending does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.view.component import component, triggered

_BOARD = component(
    "board",
    "flow/base.js",
    "flow/panel.js",
    "stage/picture.js",
    "board/board.js",
    "flow/flow.css",
    "stage/stage.css",
    "board/board.css",
)


def board(data: dict[str, Any], *, key: str, on_send: Callable[[str], None]) -> None:
    """Draw what :func:`app.lab.board.board` describes; ``on_send`` gets the id of an attack that is to be sent."""
    _BOARD(
        data=data,
        key=key,
        on_send_change=lambda: on_send(triggered(key, "send")),
    )
