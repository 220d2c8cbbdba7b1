"""A bounded cache of things that must be ended when they leave it: LRU + TTL, one flight per key."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from common.errors import Problem, SessionEnded

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class CacheStatistics:
    """What a cache has done since it was made."""

    hits: int = 0
    misses: int = 0
    joined: int = 0
    failures: int = 0
    expired: int = 0
    evicted: int = 0
    dropped: int = 0
    released: int = 0
    release_failures: int = 0


@dataclass(slots=True, eq=False)
class Entry(Generic[K, V]):
    """One value in the cache, and how many callers hold it right now."""

    key: K
    value: V
    holders: int = 0
    left: bool = False
    released: bool = False


class Shelf(Generic[K, V]):
    """The state under :class:`Cache`, without I/O: at most ``capacity`` entries, least recently used first.

    ``expires_at`` reads a value's end (seconds, on the clock of ``now``) each time it is needed, so
    that a value which renews itself stays.
    """

    def __init__(self, *, capacity: int, expires_at: Callable[[V], float]) -> None:
        if capacity < 1:
            raise ValueError("A cache needs room for one value")
        self._capacity = capacity
        self._expires_at = expires_at
        self._entries: OrderedDict[K, Entry[K, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def live(self, key: K, now: float) -> Entry[K, V] | None:
        """The entry under ``key`` if it has time left, marked as used."""
        entry = self._entries.get(key)
        if entry is None or self._expires_at(entry.value) <= now:
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, entry: Entry[K, V]) -> list[Entry[K, V]]:
        """Store ``entry``; returns those that had to leave: what stood under its key, then the least recently used."""
        leaving = [old] if (old := self._entries.pop(entry.key, None)) else []
        self._entries[entry.key] = entry
        while len(self._entries) > self._capacity:
            leaving.append(self._entries.popitem(last=False)[1])
        return leaving

    def take_expired(self, now: float) -> list[Entry[K, V]]:
        """Remove and return every entry without time left."""
        return self.take(lambda _, value: self._expires_at(value) <= now)

    def take(self, predicate: Callable[[K, V], bool]) -> list[Entry[K, V]]:
        """Remove and return every entry that ``predicate`` is true of."""
        leaving = [e for e in self._entries.values() if predicate(e.key, e.value)]
        for entry in leaving:
            del self._entries[entry.key]
        return leaving


@dataclass(slots=True, eq=False)
class _Flight(Generic[K, V]):
    """A value being made. Waiters wait for ``landing``, which a drop may fail before ``task`` is through."""

    key: K
    landing: asyncio.Future[Entry[K, V]]
    task: asyncio.Task[None] | None = field(default=None)


class Cache(Generic[K, V]):
    """Values by key, each made once however many ask, kept while it has time left, and released once it leaves.

    ``make`` runs as a task of its own: a waiter that is cancelled does not cancel it, and a failure
    reaches every waiter and is not kept. ``release`` is awaited exactly once for each value made;
    for a value pushed out or expired, after the last :meth:`borrow` of it ends; for one dropped, at once.
    One event loop per cache. ``clock`` gives seconds.
    """

    def __init__(
        self,
        *,
        capacity: int,
        expires_at: Callable[[V], float],
        release: Callable[[V], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shelf: Shelf[K, V] = Shelf(capacity=capacity, expires_at=expires_at)
        self._release_hook = release
        self._clock = clock
        self._flights: dict[K, _Flight[K, V]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.statistics = CacheStatistics()

    def __len__(self) -> int:
        return len(self._shelf)

    async def get(self, key: K, make: Callable[[], Awaitable[V]]) -> V:
        """The live value under ``key``, or what ``make()`` gives.

        Raises what ``make`` raises; SessionEnded (or what :meth:`drop` was told) if it was dropped meanwhile.
        """
        return (await self._entry(key, make)).value

    @asynccontextmanager
    async def borrow(self, key: K, make: Callable[[], Awaitable[V]]) -> AsyncIterator[V]:
        """As :meth:`get`; a value that is pushed out or expires is not released inside the block."""
        entry = await self._entry(key, make)
        entry.holders += 1
        try:
            yield entry.value
        finally:
            entry.holders -= 1
            if entry.left and entry.holders == 0:
                self._background(self._release(entry))

    def peek(self, key: K) -> V | None:
        """The live value under ``key``, if there is one; nothing is made."""
        entry = self._shelf.live(key, self._clock())
        return entry.value if entry else None

    async def drop(self, predicate: Callable[[K], bool], *, because: Problem | None = None) -> int:
        """End every value whose key ``predicate`` is true of, those being made included; returns how many.

        Waiters for one being made get ``because`` (SessionEnded by default); its value is released when it comes.
        """
        flights = [f for f in self._flights.values() if predicate(f.key)]
        for flight in flights:
            del self._flights[flight.key]
            flight.landing.set_exception(because or _dropped())
        leaving = self._shelf.take(lambda key, _: predicate(key))
        self.statistics.dropped += len(leaving) + len(flights)
        await asyncio.gather(*(self._release(entry) for entry in leaving))
        return len(leaving) + len(flights)

    async def sweep(self) -> int:
        """Release what has expired; returns how many. Call it every few seconds."""
        leaving = self._shelf.take_expired(self._clock())
        self.statistics.expired += len(leaving)
        await asyncio.gather(*self._leave(leaving))
        return len(leaving)

    async def close(self) -> None:
        """Release everything, what is being made included, and make nothing more."""
        self._closed = True
        await self.drop(lambda _: True, because=_dropped())
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _entry(self, key: K, make: Callable[[], Awaitable[V]]) -> Entry[K, V]:
        entry = self._shelf.live(key, self._clock())
        if entry is not None:
            self.statistics.hits += 1
            return entry
        if self._closed:
            raise _dropped()
        flight = self._flights.get(key)
        if flight is None:
            self.statistics.misses += 1
            flight = self._take_off(key, make)
        else:
            self.statistics.joined += 1
        return await asyncio.shield(flight.landing)

    def _take_off(self, key: K, make: Callable[[], Awaitable[V]]) -> _Flight[K, V]:
        flight: _Flight[K, V] = _Flight(key, asyncio.get_running_loop().create_future())
        # Retrieved here, so that a failure nobody waits for any more is not reported as forgotten.
        flight.landing.add_done_callback(lambda f: f.cancelled() or f.exception())
        self._flights[key] = flight
        flight.task = self._background(self._fly(flight, make))
        return flight

    async def _fly(self, flight: _Flight[K, V], make: Callable[[], Awaitable[V]]) -> None:
        try:
            value = await make()
        except BaseException as error:
            self.statistics.failures += 1
            if self._flights.get(flight.key) is flight:
                del self._flights[flight.key]
                flight.landing.set_exception(error)
            return
        entry = Entry(flight.key, value)
        if self._flights.get(flight.key) is not flight:
            await self._release(entry)
            return
        del self._flights[flight.key]
        leaving = self._shelf.put(entry)
        self.statistics.evicted += len(leaving)
        flight.landing.set_result(entry)
        await asyncio.gather(*self._leave(leaving))

    def _leave(self, entries: Iterable[Entry[K, V]]) -> list[Awaitable[None]]:
        """Releases for entries nobody holds; the others are released by their last holder."""
        now: list[Awaitable[None]] = []
        for entry in entries:
            entry.left = True
            if entry.holders == 0:
                now.append(self._release(entry))
        return now

    async def _release(self, entry: Entry[K, V]) -> None:
        if entry.released:
            return
        entry.released = True
        self.statistics.released += 1
        if self._release_hook is None:
            return
        try:
            await self._release_hook(entry.value)
        except Exception as error:
            self.statistics.release_failures += 1
            _log.warning("A cached value could not be released: %s", error)

    def _background(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _dropped() -> Problem:
    return SessionEnded("The session ended while its credential was being fetched.", fix="Sign in again.")
