"""A bounded cache of things that must be ended when they leave it: LRU + TTL, one flight per key."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from fastmcp_vault.background import Background
from fastmcp_vault.errors import Problem, SessionEnded
from fastmcp_vault.vault.shelf import Shelf

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_log = logging.getLogger(__name__)


class _Entry(Generic[K, V]):
    """A value, or one being made, and how many callers wait for it or hold it."""

    def __init__(self, key: K, landing: asyncio.Future[None]) -> None:
        self.key = key
        self.landing = landing
        self.value: V
        self.holders = 0
        self.dropped: Problem | None = None

    def drop(self, because: Problem) -> None:
        """Nobody may use it any more; who waits for it hears so now."""
        self.dropped = because
        if not self.landing.done():
            self.landing.set_exception(because)


class Cache(Generic[K, V]):
    """Values by key, each made once however many ask, kept while it has time left, and released once it leaves.

    ``make`` runs as a task of its own: a waiter that is cancelled does not cancel it, and a failure
    reaches every waiter and is not kept. ``release`` is awaited exactly once for each value made: for
    one pushed out or expired, when nobody borrows it any more; for one dropped, at once.
    One event loop per cache. ``clock`` gives seconds; ``expires_at`` is asked each time, so that a
    value may renew itself.
    """

    def __init__(
        self,
        *,
        capacity: int,
        expires_at: Callable[[V], float],
        release: Callable[[V], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shelf: Shelf[K, _Entry[K, V]] = Shelf(capacity=capacity, expires_at=lambda e: expires_at(e.value))
        self._flights: dict[K, _Entry[K, V]] = {}
        self._lingering: set[_Entry[K, V]] = set()
        self._release_hook = release
        self._clock = clock
        self._background = Background()
        self._closed = False

    def __len__(self) -> int:
        """How many values are kept; none that is being made, or borrowed after it left."""
        return len(self._shelf)

    @asynccontextmanager
    async def borrow(self, key: K, make: Callable[[], Awaitable[V]], *, fresh: bool = False) -> AsyncIterator[V]:
        """The live value under ``key``, or what ``make()`` gives; ``fresh`` makes one whatever there is.

        Pushed out or expired, it is not released before the block ends. Raises what ``make`` raises; SessionEnded (or
        what :meth:`drop` was told) if it was dropped meanwhile.
        """
        entry = self._find(key, make, fresh=fresh)
        entry.holders += 1
        try:
            if not entry.landing.done():
                await asyncio.shield(entry.landing)
            if entry.dropped is not None:
                raise entry.dropped
            entry.landing.result()
            yield entry.value
        finally:
            entry.holders -= 1
            if entry in self._lingering and entry.holders == 0:
                self._lingering.discard(entry)
                self._background.start(self._release(entry))

    def values(self) -> list[V]:
        """The values that are kept, expired ones among them until the next :meth:`sweep`."""
        return [entry.value for entry in self._shelf.entries()]

    def peek(self, key: K) -> V | None:
        """The live value under ``key``, if there is one; nothing is made."""
        entry = self._shelf.live(key, self._clock())
        return entry.value if entry else None

    async def drop(self, predicate: Callable[[K], bool], *, because: Problem | None = None) -> int:
        """End every value whose key ``predicate`` is true of, borrowed or not, and release it; returns how many.

        One being made is released when it comes; who waits for it gets ``because`` (SessionEnded by default) now.
        """
        why = because or _over()
        flying = [self._flights.pop(key) for key in list(self._flights) if predicate(key)]
        lingering = {entry for entry in self._lingering if predicate(entry.key)}
        self._lingering -= lingering
        leaving = [*self._shelf.take(predicate), *lingering]
        for entry in flying + leaving:
            entry.drop(why)
        await asyncio.gather(*(self._release(entry) for entry in leaving))
        return len(flying) + len(leaving)

    async def sweep(self) -> int:
        """Let go of what has expired; returns how many. Call it every few seconds."""
        leaving = self._shelf.take_expired(self._clock())
        await asyncio.gather(*self._let_go(leaving))
        return len(leaving)

    async def close(self) -> None:
        """Release everything, what is being made included, and make nothing more."""
        self._closed = True
        await self.drop(lambda _: True)
        await self._background.close()

    def _find(self, key: K, make: Callable[[], Awaitable[V]], *, fresh: bool) -> _Entry[K, V]:
        """The live entry, the one being made, or a new one whose making begins now."""
        if self._closed:
            raise _over()
        entry = None if fresh else self._shelf.live(key, self._clock())
        if entry is not None:
            return entry
        entry = self._flights.get(key)
        if entry is not None:
            return entry
        entry = self._flights[key] = _Entry(key, asyncio.get_running_loop().create_future())
        # Looked at here, so that a failure nobody waits for any more is not reported as forgotten.
        entry.landing.add_done_callback(lambda f: f.cancelled() or f.exception())
        self._background.start(self._fly(entry, make))
        return entry

    async def _fly(self, entry: _Entry[K, V], make: Callable[[], Awaitable[V]]) -> None:
        try:
            entry.value = await make()
        except BaseException as error:
            self._crash(entry, error)
            if not isinstance(error, Exception):
                raise
            return
        if entry.dropped is not None:
            await self._release(entry)
            return
        del self._flights[entry.key]
        pushed_out = self._shelf.put(entry.key, entry)
        entry.landing.set_result(None)
        await asyncio.gather(*self._let_go(pushed_out))

    def _crash(self, entry: _Entry[K, V], error: BaseException) -> None:
        """Tell the waiters, unless a drop has told them already."""
        if entry.dropped is not None:
            return
        del self._flights[entry.key]
        if isinstance(error, asyncio.CancelledError):
            entry.landing.cancel()
        else:
            entry.landing.set_exception(error)

    def _let_go(self, entries: Iterable[_Entry[K, V]]) -> list[Awaitable[None]]:
        """Releases to await for entries nobody holds; the others linger until their last holder is done."""
        releases: list[Awaitable[None]] = []
        for entry in entries:
            if entry.holders:
                self._lingering.add(entry)
            else:
                releases.append(self._release(entry))
        return releases

    async def _release(self, entry: _Entry[K, V]) -> None:
        if self._release_hook is None:
            return
        try:
            await self._release_hook(entry.value)
        except Exception as error:
            _log.warning("A cached value could not be released: %s", error)


def _over() -> Problem:
    return SessionEnded("The session ended while its credential was being fetched.", fix="Sign in again.")
