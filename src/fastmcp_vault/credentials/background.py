"""Work beside the calls, outside their traces, which a shutdown waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastmcp_vault.tracing import recording


class Background:
    """Tasks of one event loop; what goes wrong in them is theirs to handle."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside the call, recording nothing of it."""
        task = asyncio.create_task(_unrecorded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for all of it."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


async def _unrecorded(work: Coroutine[Any, Any, None]) -> None:
    with recording(None):
        await work
