"""The state under the cache, without I/O: entries by key, bounded, each with an end."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
E = TypeVar("E")


class Shelf(Generic[K, E]):
    """At most ``capacity`` entries, the least recently used first to leave.

    ``expires_at`` reads an entry's end (seconds, on the clock of ``now``) each time it is needed, so
    that an entry which renews itself stays.
    """

    def __init__(self, *, capacity: int, expires_at: Callable[[E], float]) -> None:
        if capacity < 1:
            raise ValueError("A cache needs room for one entry")
        self._capacity = capacity
        self._expires_at = expires_at
        self._entries: OrderedDict[K, E] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> list[E]:
        """Every entry, the least recently used first."""
        return list(self._entries.values())

    def live(self, key: K, now: float) -> E | None:
        """The entry under ``key`` if it has time left, marked as used."""
        entry = self._entries.get(key)
        if entry is None or self._expires_at(entry) <= now:
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, key: K, entry: E) -> list[E]:
        """Store ``entry``; returns those that had to leave: what stood under its key, then the least recently used."""
        leaving = [self._entries.pop(key)] if key in self._entries else []
        self._entries[key] = entry
        while len(self._entries) > self._capacity:
            leaving.append(self._entries.popitem(last=False)[1])
        return leaving

    def take_expired(self, now: float) -> list[E]:
        """Remove and return every entry without time left."""
        return [self._entries.pop(k) for k, e in list(self._entries.items()) if self._expires_at(e) <= now]

    def take(self, predicate: Callable[[K], bool]) -> list[E]:
        """Remove and return every entry whose key ``predicate`` is true of."""
        return [self._entries.pop(key) for key in list(self._entries) if predicate(key)]
