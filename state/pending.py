"""Sign-ins under way: begun at one replica of the app and finished at any, once."""

from __future__ import annotations

from psycopg_pool import AsyncConnectionPool

from state.failures import translated
from state.sealing import Box, id_hash

LIMIT = 10_000
"""Sign-ins kept at once; beyond it the oldest is forgotten, so that nobody can fill the database."""


class PendingLogins:
    """Sign-ins by an id that only the browser has, encrypted. Every method may raise StateUnavailable."""

    def __init__(self, pool: AsyncConnectionPool, box: Box) -> None:
        self._pool, self._box = pool, box

    async def keep(self, login_id: str, data: bytes, *, lifetime: float, limit: int = LIMIT) -> None:
        """Remember ``data`` for ``lifetime`` seconds."""
        with translated("beginning the sign-in"):
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(
                    "INSERT INTO pending_logins (id_hash, data, expires_at)"
                    " VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))",
                    (id_hash(login_id), self._box.seal(data), lifetime),
                )
                await connection.execute(
                    "DELETE FROM pending_logins WHERE id_hash IN"
                    " (SELECT id_hash FROM pending_logins ORDER BY expires_at DESC OFFSET %s)",
                    (limit,),
                )

    async def take(self, login_id: str) -> bytes | None:
        """What was kept, to the first who asks; None when unknown, taken, too old, or sealed with another key."""
        with translated("finishing the sign-in"):
            async with self._pool.connection() as connection:
                found = await connection.execute(
                    "DELETE FROM pending_logins WHERE id_hash = %s RETURNING data, expires_at > now()",
                    (id_hash(login_id),),
                )
                row = await found.fetchone()
        return self._box.opened(row[0]) if row and row[1] else None
