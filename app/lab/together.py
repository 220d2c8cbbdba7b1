"""Many requests, a few at a time, each result as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def as_they_come(works: Iterable[Callable[[], Awaitable[T]]], *, at_once: int) -> AsyncGenerator[T]:
    """What each of ``works`` gives, ``at_once`` of them under way; whoever stops listening stops the rest."""
    limit = asyncio.Semaphore(at_once)

    async def one(work: Callable[[], Awaitable[T]]) -> T:
        async with limit:
            return await work()

    tasks = [asyncio.create_task(one(work)) for work in works]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
