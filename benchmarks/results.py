"""What was measured: ratios with their goals, on which machine and when."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def machine() -> str:
    """Processor, cores, system and Python, in one line."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return (
        f"{model or platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
        f" {platform.machine()}, Python {platform.python_version()}"
    )


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One ratio or count. ``goal``: "" for what is only stated, else ``≤ 1.15`` or ``≥ 4``; ``users``: known then."""

    key: str
    what: str
    value: float
    goal: str
    detail: str
    users: int

    @property
    def reached(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if not self.goal:
            return None
        sign, bound = self.goal.split()
        return self.value <= float(bound) if sign == "≤" else self.value >= float(bound)


@dataclass(slots=True)
class Results:
    """All rows of one run. ``seconds``: how long the whole run took."""

    rows: list[BenchRow] = field(default_factory=list)
    began: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    machine: str = field(default_factory=machine)
    seconds: float = 0.0

    def add(self, row: BenchRow) -> None:
        """Keep a row."""
        self.rows.append(row)

    @property
    def levels(self) -> Sequence[int]:
        """The numbers of known users at which something was measured."""
        return sorted({row.users for row in self.rows})

    def at(self, users: int) -> Mapping[str, BenchRow]:
        """The rows of one level by key."""
        return {row.key: row for row in self.rows if row.users == users}

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        rows = [asdict(row) | {"reached": row.reached} for row in self.rows]
        return {"began": self.began, "machine": self.machine, "seconds": round(self.seconds), "rows": rows}
