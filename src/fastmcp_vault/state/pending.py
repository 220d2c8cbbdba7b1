"""Sign-ins that were finished: each is good once, at whichever replica of the app it ends.

What a sign-in under way needs lies in its own browser, sealed (app/pending.py). A row is written for somebody whom
Keycloak has let in, and for nobody else: strangers cannot fill the table, and what comes later pushes nothing out.
"""

from __future__ import annotations

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.sealing import id_hash


class FinishedLogins:
    """Marks by the sign-in's ``state``, as its hash. Every method may raise StateUnavailable."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def finish(self, login_state: str, *, lifetime: float) -> bool:
        """True for the first who finishes this sign-in; the mark stays for ``lifetime`` seconds."""
        with translated("finishing the sign-in"):
            async with self._pool.connection() as connection:
                done = await connection.execute(
                    "INSERT INTO pending_logins (id_hash, data, expires_at)"
                    " VALUES (%s, '', clock_timestamp() + make_interval(secs => %s)) ON CONFLICT DO NOTHING",
                    (id_hash(login_state), lifetime),
                )
                return done.rowcount == 1
