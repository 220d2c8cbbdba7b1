"""A cache whose clock and values the tests hold in their hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastmcp_vault.vault import Cache


@dataclass(eq=False)
class Value:
    """Something that must be released once, and not be handed out afterwards."""

    key: str
    expires_at: float
    releases: int = 0


@dataclass
class Desk:
    """A cache under test, its clock, and everything made for it."""

    capacity: int = 3
    now: float = 1000.0
    made: list[Value] = field(default_factory=list)
    cache: Cache[str, Value] = field(init=False)

    def __post_init__(self) -> None:
        self.cache = Cache(
            capacity=self.capacity, expires_at=lambda v: v.expires_at, release=self.release, clock=lambda: self.now
        )

    async def release(self, value: Value) -> None:
        await asyncio.sleep(0)
        value.releases += 1

    async def get(self, key: str, make: Callable[[], Awaitable[Value]], *, fresh: bool = False) -> Value:
        async with self.cache.borrow(key, make, fresh=fresh) as value:
            return value

    def maker(self, key: str, *, lifetime: float = 60.0) -> Callable[[], Awaitable[Value]]:
        async def make() -> Value:
            await asyncio.sleep(0)
            self.made.append(Value(key, self.now + lifetime))
            return self.made[-1]

        return make


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)
