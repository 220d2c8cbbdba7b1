"""What the application shows: a live table in a terminal, plain lines elsewhere, or JSON."""

from __future__ import annotations

import json
import time
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from fastmcp_vault.printable import printable
from fastmcp_vault.vault.application import SecretRow

TITLES = {"token": "Vault token", "kv": "KV secret", "dynamic": "Database user", "static": "Static database user"}

_SIGNS = {"fresh": ("●", "green"), "stale": ("▲", "yellow"), "failed": ("✖", "red"), "waiting": ("…", "dim")}


def table(entity: str, rows: list[SecretRow]) -> Table:
    """Every row with its state in a sign, a word and a colour, and the time it has left."""
    made = Table(box=box.SIMPLE_HEAD, title=f"{entity}  {_clock()}", title_justify="left", expand=False)
    for name, style in (("", ""), ("secret", "bold"), ("path", ""), ("holds", "")):
        made.add_column(name, style=style, overflow="fold")
    made.add_column("left", justify="right", no_wrap=True)
    for row in rows:
        sign, colour = _SIGNS[row.state]
        told = Text(printable(row.detail))
        if row.problem is not None:
            told = Text(f"{printable(row.detail)}\n{printable(str(row.problem))}".strip(), style=colour)
        made.add_row(
            Text(f"{sign} {row.state}", style=colour), TITLES[row.kind], Text(printable(row.path)), told, left(row.left)
        )
    return made


def line(row: SecretRow) -> str:
    """One row as one line of text."""
    parts = [_clock(), row.state, TITLES[row.kind], row.path, row.detail]
    if row.left is not None:
        parts.append(f"{left(row.left)} left")
    if row.problem is not None:
        parts.append(str(row.problem))
    return "  ".join(part for part in parts if part)


def document(entity: str, rows: list[SecretRow]) -> dict[str, Any]:
    """All rows, JSON-ready; ``left_seconds`` is null where nothing counts down."""
    return {"entity": entity, "at": time.time(), "secrets": [as_dict(row) for row in rows]}


def as_json(body: dict[str, Any]) -> str:
    """One line of JSON."""
    return json.dumps(body)


def as_dict(row: SecretRow) -> dict[str, Any]:
    """One row, JSON-ready."""
    return {
        "kind": row.kind,
        "path": row.path,
        "state": row.state,
        "detail": row.detail,
        "left_seconds": None if row.left is None else round(row.left, 1),
        "problem": row.problem.as_dict() if row.problem else None,
    }


def left(seconds: float | None) -> str:
    """``4:12``; ``–`` where nothing counts down."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _clock() -> str:
    return time.strftime("%H:%M:%S %Z")
