"""What the supervisor tells the world: one small file, replaced as a whole, read by every command."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fastmcp_vault.files import write_private
from stack.layout import Layout
from stack.processes import ProcessIdentity

Phase = Literal[
    "waiting", "preparing", "starting", "ready", "done", "unhealthy", "restarting", "failed", "stopping", "stopped"
]
StackPhase = Literal["starting", "ready", "degraded", "failed", "stopping", "stopped"]

UP: tuple[Phase, ...] = ("ready", "done")
"""Phases of a service that hold nobody up."""

STARTED: tuple[StackPhase, ...] = ("ready", "degraded")
"""Phases of a stack whose start is over; ``degraded``: some service does not answer, or is being started again."""


@dataclass
class ServiceStatus:
    """One service as it is now. Times in seconds since the epoch."""

    name: str
    title: str
    phase: Phase = "waiting"
    detail: str = ""
    pid: int | None = None
    started: float | None = None
    """Start time of that pid, which together name the process for certain."""
    since: float = 0.0
    restarts: int = 0
    last_lines: list[str] = field(default_factory=list)
    """The last log lines before it last died."""

    @property
    def identity(self) -> ProcessIdentity | None:
        """Its process, while it has one."""
        return ProcessIdentity(self.pid, self.started) if self.pid and self.started else None


@dataclass
class StackStatus:
    """The whole stack as it is now."""

    phase: StackPhase
    pid: int
    started: float
    began: float
    ports: dict[str, int]
    users_file: str = ""
    room: dict[str, str] = field(default_factory=dict)
    """The room that it serves, as `stack.part.RoomAddress` has it; empty without one."""
    given: dict[str, str] = field(default_factory=dict)
    """The settings that came from the caller's environment, as digests."""
    ready_after: float | None = None
    """Seconds from the command to everything ready."""
    what: str = ""
    fix: str = ""
    services: list[ServiceStatus] = field(default_factory=list)

    @property
    def supervisor(self) -> ProcessIdentity:
        """The supervising process."""
        return ProcessIdentity(self.pid, self.started)

    def as_json(self) -> dict[str, Any]:
        """A JSON-ready form; it holds no secret."""
        return asdict(self)


def write(layout: Layout, status: StackStatus) -> None:
    """Replace the status file."""
    write_private(layout.status, json.dumps(status.as_json(), indent=1))


def read(layout: Layout) -> StackStatus | None:
    """The last status written here; None when there is none or it cannot be understood."""
    try:
        raw = json.loads(layout.status.read_text())
        return StackStatus(**{**raw, "services": [ServiceStatus(**entry) for entry in raw["services"]]})
    except (OSError, ValueError, TypeError, KeyError):
        return None
