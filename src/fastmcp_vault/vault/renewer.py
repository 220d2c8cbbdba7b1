"""Renewal before expiry: a pure schedule, and the one loop that works through it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import Problem, VaultError
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.vault.lease import Lease

K = TypeVar("K", bound=Hashable)

_log = logging.getLogger(__name__)


def renew_at(lease: Lease, *, fraction: float, jitter: float = 0.0, rng: random.Random | None = None) -> float:
    """When to renew: once ``fraction`` of the lifetime is gone, or up to ``jitter`` (a fraction of it) earlier.

    Earlier only, so that jitter never brings a renewal nearer to the end.
    """
    early = (rng or random.SystemRandom()).uniform(0.0, jitter) if jitter else 0.0
    return lease.issued_at + lease.duration * max(0.0, fraction - early)


class Schedule(Generic[K]):
    """Keys and the time (seconds) at which each is due; a key has one time, the newest given."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._newest: dict[K, int] = {}
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._newest)

    def set(self, key: K, at: float) -> None:
        """``key`` is due at ``at``, whatever was said of it before."""
        number = next(self._order)
        self._newest[key] = number
        heapq.heappush(self._heap, (at, number, key))

    def remove(self, key: K) -> None:
        """``key`` is not due any more."""
        self._newest.pop(key, None)

    def next_at(self) -> float | None:
        """When the next key is due; None when there is none."""
        self._skip_stale()
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[K]:
        """Remove and return the keys due at ``now``, the earliest first."""
        due: list[K] = []
        self._skip_stale()
        while self._heap and self._heap[0][0] <= now:
            key = heapq.heappop(self._heap)[2]
            del self._newest[key]
            due.append(key)
            self._skip_stale()
        return due

    def _skip_stale(self) -> None:
        while self._heap and self._newest.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)


Renew = Callable[[], Awaitable[Lease | None]]
"""Renews one lease and returns the new one; None when it shall not be renewed again."""

Lost = Callable[[Problem], Awaitable[None]]
"""Told once when a lease could not be renewed before its end, or was refused."""


class Renewer(Generic[K]):
    """Keeps leases alive: each renewed once ``fraction`` of its life is gone (2/3 or 4/5), less some jitter.

    A retryable failure is tried again with backoff until the lease ends; any other ends it at once.
    Use as ``async with``; one event loop.
    """

    def __init__(
        self,
        *,
        fraction: float = 2 / 3,
        jitter: float = 0.1,
        clock: Callable[[], float] = time.time,
        wait: Callable[[asyncio.Event, float | None], Awaitable[None]] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        if not 0 < fraction < 1:
            raise ValueError("fraction must lie between 0 and 1")
        self._fraction, self._jitter = fraction, jitter
        self._clock, self._wait = clock, wait or wait_for
        self._rng = rng or random.SystemRandom()
        self._schedule: Schedule[K] = Schedule()
        self._kept: dict[K, _Kept] = {}
        self._changed = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self._renewals: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, key: K, lease: Lease, renew: Renew, *, lost: Lost | None = None) -> None:
        """Renew ``lease`` from now on, under ``key``, in place of what stood there. One not renewable is ignored."""
        if not lease.renewable:
            self.forget(key)
            return
        self._kept[key] = _Kept(lease, renew, lost, Backoff(rng=self._rng))
        self._plan(key, renew_at(lease, fraction=self._fraction, jitter=self._jitter, rng=self._rng))

    def forget(self, key: K) -> None:
        """Renew it no more."""
        self._kept.pop(key, None)
        self._schedule.remove(key)

    async def __aenter__(self) -> Renewer[K]:
        self._loop_task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [t for t in (self._loop_task, *self._renewals) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            for key in self._schedule.take_due(self._clock()):
                task = asyncio.create_task(self._renew(key))
                self._renewals.add(task)
                task.add_done_callback(self._renewals.discard)
            at = self._schedule.next_at()
            await self._wait(self._changed, None if at is None else max(0.0, at - self._clock()))

    async def _renew(self, key: K) -> None:
        kept = self._kept.get(key)
        if kept is None:
            return
        try:
            lease = await kept.renew()
        except Problem as problem:
            await self._failed(key, kept, problem)
            return
        except Exception as error:
            # Unforeseen, so nothing says that trying again would help; the other leases must go on being renewed.
            _log.exception("A renewal broke")
            await self._failed(
                key,
                kept,
                VaultError(Sentence("The renewal broke ({error}).", error=type(error).__name__), fix="Sign in again."),
            )
            return
        if self._kept.get(key) is not kept:
            return
        # Vault gives less and less as the maximum comes near: one that did not move is at its end.
        if lease is None or not lease.renewable or lease.expires_at <= kept.lease.expires_at:
            self.forget(key)
            return
        self.keep(key, lease, kept.renew, lost=kept.lost)

    async def _failed(self, key: K, kept: _Kept, problem: Problem) -> None:
        if self._kept.get(key) is not kept:
            return
        again = self._clock() + kept.backoff.failed()
        if problem.retryable and again < kept.lease.expires_at:
            self._plan(key, again)
            return
        self.forget(key)
        _log.warning("A lease could not be renewed: %s", problem)
        if kept.lost is not None:
            try:
                await kept.lost(problem)
            except Exception:
                _log.exception("What was to be done about a lost lease broke")

    def _plan(self, key: K, at: float) -> None:
        self._schedule.set(key, at)
        self._changed.set()


class _Kept:
    """A lease under renewal."""

    def __init__(self, lease: Lease, renew: Renew, lost: Lost | None, backoff: Backoff) -> None:
        self.lease, self.renew, self.lost, self.backoff = lease, renew, lost, backoff


async def wait_for(changed: asyncio.Event, seconds: float | None) -> None:
    """Return once ``changed`` is set, or after ``seconds``."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await changed.wait()
