"""Work beside the calls that no trace of theirs shows."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from fastmcp_vault.background import Background
from fastmcp_vault.tracing.recorder import recording


class BesideCalls(Background):
    """As :class:`Background`, recording nothing."""

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run ``work`` beside the call, outside its trace."""
        super().start(_unrecorded(work))


async def _unrecorded(work: Coroutine[Any, Any, object]) -> None:
    with recording(None):
        await work
