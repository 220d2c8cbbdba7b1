"""The servers' logs, searched for one correlation id."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from stack.processes import wait_until
from stack.testing import Stack

PATIENCE = 20.0
"""Seconds until a line is there: some are written after the answer."""


def found(path: Path, correlation_id: str, *, saying: str = "") -> list[str]:
    """A log's lines about one click that hold ``saying``, once there are any. AssertionError when there are none."""
    for _ in wait_until(time.monotonic() + PATIENCE):
        lines = [line for line in path.read_text(errors="replace").splitlines() if correlation_id in line]
        lines = [line for line in lines if saying in line]
        if lines:
            return lines
    raise AssertionError(f"{path.name} has no line about {correlation_id}")


def audited(stack: Stack, correlation_id: str) -> dict[str, dict[str, Any]]:
    """The responses in Vault's audit log about one click, by path."""
    entries = [json.loads(line) for line in found(stack.layout.data / "openbao" / "audit.log", correlation_id)]
    return {entry["request"]["path"]: entry for entry in entries if entry["type"] == "response"}
