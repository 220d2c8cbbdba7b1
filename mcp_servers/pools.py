"""Connections as one database user: few, closed when idle, and quick to say that the user is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from common.errors import BackendUnavailable

CLOSE_SECONDS = 2.0
"""How long closing may take; connections in use close when they are given back."""


class LeaseGone(Exception):
    """The database does not know this user any more, or ended its connections: a new lease is needed."""

    def __init__(self) -> None:
        super().__init__("the database ended this user's connections, so another user is fetched")


class LeasePool:
    """At most ``size`` connections made with ``connection`` (libpq's parameters), none before it is needed.

    Between two uses a connection is cleaned of settings, locks, prepared statements and the like
    (DISCARD ALL). Times in seconds: ``idle`` until an unused connection is closed, ``wait`` for one.
    """

    def __init__(self, connection: Mapping[str, Any], *, size: int, idle: float, wait: float) -> None:
        self._size = size
        self._failed = asyncio.Event()
        self._pool = AsyncConnectionPool(
            kwargs=dict(connection),
            min_size=0,
            max_size=size,
            max_idle=idle,
            timeout=wait,
            # A pool of this library goes on trying without a word; this one is told at once.
            reconnect_timeout=0,
            reconnect_failed=self._note_failure,
            num_workers=1,
            reset=_discard_all,
            open=False,
        )

    async def open(self) -> LeasePool:
        """Ready for use; nothing is connected yet."""
        await self._pool.open()
        return self

    async def take(self) -> psycopg.AsyncConnection:
        """A clean connection, to be given back. Raises LeaseGone, and BackendUnavailable when all are in use."""
        if self._pool.get_stats().get("pool_available"):
            return await self._get()
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
                    await self._pool.putconn(await getting)
        raise LeaseGone

    async def give_back(self, connection: psycopg.AsyncConnection) -> None:
        """Return what was taken; one that is broken or still busy is closed."""
        await self._pool.putconn(connection)

    async def close(self) -> None:
        """No more connections."""
        await self._pool.close(timeout=CLOSE_SECONDS)

    async def _get(self) -> psycopg.AsyncConnection:
        try:
            return await self._pool.getconn()
        except PoolClosed as error:
            raise LeaseGone from error
        except PoolTimeout as error:
            if self._pool.get_stats().get("pool_size", 0) >= self._size:
                raise BackendUnavailable(
                    f"You have {self._size} statements running, which is as many as one person may.",
                    fix="Try again when one of them is done.",
                    one_call=True,
                ) from error
            raise BackendUnavailable("PostgreSQL does not answer.", fix="Try again in a moment.") from error

    async def _note_failure(self, _: AsyncConnectionPool) -> None:
        self._failed.set()


async def _discard_all(connection: psycopg.AsyncConnection) -> None:
    await connection.execute("DISCARD ALL")
