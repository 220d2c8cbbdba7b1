"""Taking turns: one replica of a server at a time does a piece of work, and one that is killed is waited for."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.errors import StateUnavailable
from fastmcp_vault.state.failures import translated

POLL_SECONDS = 0.05
"""How often who waits looks again."""

_TAKE = (
    "INSERT INTO turns (server, name, holder, expires_at)"
    " VALUES (current_user, %(name)s, %(holder)s, clock_timestamp() + make_interval(secs => %(lasts)s))"
    " ON CONFLICT (server, name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at"
    " WHERE turns.expires_at < clock_timestamp()"
)

_log = logging.getLogger(__name__)


class Turns:
    """Turns by name, among all that share this account of the database."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def turn(self, name: str, *, lasts: float) -> AsyncIterator[None]:
        """Alone inside the block, for ``lasts`` seconds at most. No connection is held meanwhile.

        Raises StateUnavailable.
        """
        holder = secrets.randbits(62)
        while True:
            if await self._take(name, holder, lasts):
                break
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            await asyncio.shield(self._give_back(name, holder))

    async def _take(self, name: str, holder: int, lasts: float) -> bool:
        with translated("waiting for a turn"):
            async with self._pool.connection() as connection:
                taken = await connection.execute(_TAKE, {"name": name, "holder": holder, "lasts": lasts})
                return taken.rowcount == 1

    async def _give_back(self, name: str, holder: int) -> None:
        try:
            with translated("giving back a turn"):
                async with self._pool.connection() as connection:
                    await connection.execute("DELETE FROM turns WHERE name = %s AND holder = %s", (name, holder))
        except StateUnavailable as problem:
            _log.warning("A turn ends by its time only: %s", problem)
