"""How many people are signed in, counted now and then for the metrics, where somebody reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastmcp_vault import metrics
from fastmcp_vault.errors import StateUnavailable
from fastmcp_vault.state import State

COUNT_SECONDS = 15.0


@asynccontextmanager
async def counted_sessions(state: State, *, seconds: float = COUNT_SECONDS) -> AsyncIterator[None]:
    """Count the sessions every so many seconds inside the block; none are told while the state cannot be asked."""
    counted: list[tuple[float, metrics.Labels]] = []

    async def count() -> None:
        while True:
            try:
                counted[:] = [(float(await state.sessions.number()), {})]
            except StateUnavailable:
                counted.clear()
            await asyncio.sleep(seconds)

    if not metrics.SESSIONS.kept:
        yield
        return
    leave = metrics.SESSIONS.watch(lambda: list(counted))
    counting = asyncio.create_task(count())
    try:
        yield
    finally:
        leave()
        counting.cancel()
