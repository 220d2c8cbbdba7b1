"""The isolation grid as a component: a table of cells to choose from, and the proof below. It downloads nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.view.component import component, triggered

_SHEET = component("sheet", "flow/base.js", "flow/panel.js", "sheet/sheet.js", "flow/flow.css", "sheet/sheet.css")


def sheet(data: dict[str, Any], *, key: str, on_choose: Callable[[str], None]) -> None:
    """Draw what :mod:`app.lab.sheet` describes; ``on_choose`` gets the id of the cell that was chosen."""
    _SHEET(
        data=data,
        key=key,
        on_cell_change=lambda: on_choose(triggered(key, "cell")),
    )
