"""Work that nobody waits for where it is begun: kept from being forgotten, waited for or cancelled at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Tasks of one event loop; what goes wrong in them is theirs to handle."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside what goes on here."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Ask all of it to stop; :meth:`close` waits until it has."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Wait for all of it, and for what it begins meanwhile."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
