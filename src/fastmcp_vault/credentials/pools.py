"""Connections as one database user: few, closed when idle, and quick to say that the user is gone."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, LiteralString, Self

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from fastmcp_vault.errors import BackendUnavailable
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing.statements import SpannedCursor

CLOSE_SECONDS = 2.0
"""How long closing may take; connections in use close when they are given back."""


RESET: LiteralString = (
    "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP;"
    " DISCARD SEQUENCES"
)
"""DISCARD ALL, except for the plans of our own functions, which hold nothing of anybody's and are needed by the next
call; and except for advisory locks that outlive a transaction, which people cannot take (init/shop_limits.py)."""

CROWDED = re.compile(r"too many (?:connections|clients)|connection slots are reserved")
"""In PostgreSQL's refusal of a connection (53300): this user, the person, the database or the server has its number."""

CROWDED_PAUSE = 0.1
"""Seconds until a refused connection is tried again."""


class LeaseGone(Exception):
    """The database does not know this user any more, or ended its connections: a new lease is needed."""

    def __init__(self) -> None:
        super().__init__("the database ended this user's connections, so another user is fetched")


class Crowded(Exception):
    """PostgreSQL takes no more connections of this person, or of anybody; try again soon."""


def all_places_taken(number: int) -> BackendUnavailable:
    """The problem when a person has as many statements running as one may, over all their sessions."""
    return BackendUnavailable(
        Sentence("You have {number} statements running, which is as many as one person may.", number=number),
        fix="Try again when one of them is done.",
        one_call=True,
    )


class Connections:
    """All pools of a server together: at most ``limit`` connections, for a new one the longest unused are closed."""

    def __init__(self, *, limit: int, wait: float) -> None:
        self._limit, self._wait = limit, wait
        self._pools: OrderedDict[LeasePool, None] = OrderedDict()
        self._given_back = asyncio.Event()

    async def make_room(self, pool: LeasePool) -> None:
        """Return once ``pool`` may make one more connection. Raises BackendUnavailable after ``wait`` seconds."""
        try:
            async with asyncio.timeout(self._wait):
                while sum(one.connections for one in self._pools) >= self._limit:
                    await self._close_one()
        except TimeoutError as error:
            raise BackendUnavailable(
                Sentence("This server has {limit} statements running, which is as many as it may.", limit=self._limit),
                fix="Try again when some of them are done.",
                one_call=True,
            ) from error
        pool.in_use += 1
        self._pools[pool] = None
        self._pools.move_to_end(pool)

    def given_back(self, pool: LeasePool) -> None:
        """``pool`` has one connection less in use."""
        if pool in self._pools:
            self._pools.move_to_end(pool)
        self._given_back.set()

    def forget(self, pool: LeasePool) -> None:
        """``pool`` has no connections any more."""
        self._pools.pop(pool, None)
        self._given_back.set()

    async def rest_others(self, pool: LeasePool) -> None:
        """Close what ``pool``'s person has open and does not use, in other sessions."""
        for other in [one for one in self._pools if one is not pool and one.owner == pool.owner and not one.in_use]:
            await other.rest()

    async def _close_one(self) -> None:
        unused = next((pool for pool in self._pools if not pool.in_use), None)
        if unused is not None:
            await unused.rest()
            return
        self._given_back.clear()
        await self._given_back.wait()


class LeasePool:
    """At most ``size`` connections made with ``connection`` (libpq's parameters), none before it is needed.

    Between two uses a connection is cleaned of settings, locks, prepared statements and the like
    (:data:`RESET`). ``among``: what bounds it together with others. Times in seconds: ``idle`` until an unused
    connection is closed, ``wait`` for one.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        *,
        among: Connections,
        size: int,
        idle: float,
        wait: float,
        owner: str = "",
    ) -> None:
        self._connection, self._among, self.owner = dict(connection), among, owner
        self._refusal = ""
        self._size, self._idle, self._wait = size, idle, wait
        self._failed = asyncio.Event()
        self._pool: AsyncConnectionPool | None = None
        self._closed = False
        self.in_use = 0
        """Connections taken, or about to be made."""

    @property
    def connections(self) -> int:
        """Connections that are open or about to be."""
        return max(self._statistic("pool_size"), min(self.in_use, self._size), 1)

    async def take(self) -> psycopg.AsyncConnection:
        """A clean connection, to be given back. Raises LeaseGone, and BackendUnavailable when all are in use."""
        new = not self._statistic("pool_available")
        if new:
            await self._among.make_room(self)
        else:
            self.in_use += 1
        try:
            return await (self._get_uncrowded() if new else self._get())
        except BaseException:
            self._one_less()
            raise

    async def give_back(self, connection: psycopg.AsyncConnection) -> None:
        """Return what was taken; one that is broken or still busy is closed."""
        try:
            await self._put(connection)
        finally:
            self._one_less()

    async def rest(self) -> None:
        """Close the connections until one is needed again."""
        self._among.forget(self)
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close(timeout=CLOSE_SECONDS)

    async def close(self) -> None:
        """No more connections; those in use close when they are given back."""
        self._closed = True
        self._among.forget(self)
        if self._pool is not None:
            await self._pool.close(timeout=CLOSE_SECONDS)

    async def _get_uncrowded(self) -> psycopg.AsyncConnection:
        """A new connection, tried until ``wait`` is over while PostgreSQL has too many."""
        until = time.monotonic() + self._wait
        while True:
            try:
                return await self._get_new()
            except Crowded as error:
                if time.monotonic() > until:
                    raise BackendUnavailable(
                        "PostgreSQL takes no more connections of yours: too many are open in all your sessions.",
                        fix="Try again when some of your statements are done.",
                        one_call=True,
                    ) from error
            await self._among.rest_others(self)
            await asyncio.sleep(CROWDED_PAUSE)

    async def _get_new(self) -> psycopg.AsyncConnection:
        getting = asyncio.create_task(self._get())
        failing = asyncio.create_task(self._failed.wait())
        try:
            await asyncio.wait({getting, failing}, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return await getting
        finally:
            failing.cancel()
            if not getting.done():
                getting.cancel()
                with suppress(asyncio.CancelledError, LeaseGone, BackendUnavailable):
                    await self._put(await getting)
        self._failed.clear()
        if CROWDED.search(self._refusal):
            raise Crowded
        raise LeaseGone

    async def _get(self) -> psycopg.AsyncConnection:
        try:
            return await (await self._opened()).getconn()
        except PoolClosed as error:
            raise LeaseGone from error
        except PoolTimeout as error:
            if self._statistic("pool_size") >= self._size:
                raise all_places_taken(self._size) from error
            raise BackendUnavailable("PostgreSQL does not answer.", fix="Try again in a moment.") from error

    async def _put(self, connection: psycopg.AsyncConnection) -> None:
        if self._pool is not None:  # it is there as long as anything of it is in use
            await self._pool.putconn(connection)

    async def _opened(self) -> AsyncConnectionPool:
        if self._closed:
            raise LeaseGone
        if self._pool is None:
            pool = AsyncConnectionPool(
                connection_class=_telling(self._note_refusal),
                kwargs={**self._connection, "cursor_factory": SpannedCursor},
                min_size=0,
                max_size=self._size,
                max_idle=self._idle,
                timeout=self._wait,
                # A pool of this library goes on trying without a word; this one is told at once.
                reconnect_timeout=0,
                reconnect_failed=self._note_failure,
                num_workers=1,
                reset=_discard_all,
                open=False,
            )
            await pool.open()  # does not wait, so that nobody else opens another one meanwhile
            self._pool = pool
        return self._pool

    def _statistic(self, name: str) -> int:
        return self._pool.get_stats().get(name, 0) if self._pool is not None else 0

    def _one_less(self) -> None:
        self.in_use -= 1
        self._among.given_back(self)

    def _note_refusal(self, said: str) -> None:
        self._refusal = said

    async def _note_failure(self, _: AsyncConnectionPool) -> None:
        self._failed.set()


def _telling(noting: Callable[[str], None]) -> type[psycopg.AsyncConnection[Any]]:
    """Connections that tell ``noting`` why they could not be made: the pool keeps that to itself."""

    class ExplainingConnection(psycopg.AsyncConnection[Any]):
        @classmethod
        async def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
            try:
                return await super().connect(conninfo, **kwargs)
            except psycopg.Error as error:
                noting(str(error))
                raise

    return ExplainingConnection


async def _discard_all(connection: psycopg.AsyncConnection) -> None:
    await connection.execute(RESET)
