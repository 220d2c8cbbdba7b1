"""Traces that people chose to share with the room: encrypted, with an end, only for those who share the same call."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.sealing import SealedBox

LIMIT = 100
"""How many of other people's traces are read at once, the latest first."""

OWN_LIMIT = 50
"""Traces that one person shares at once; beyond it their own oldest is withdrawn."""


@dataclass(frozen=True, slots=True)
class SharedTrace:
    """One person's trace of one call. Times: seconds since the epoch."""

    sub: str
    username: str
    data: bytes = field(repr=False)
    shared_at: float
    expires_at: float


class SharedTraces:
    """At most one trace per person and call. Every method raises StateUnavailable when the database does not answer."""

    def __init__(self, pool: AsyncConnectionPool, box: SealedBox) -> None:
        self._pool, self._box = pool, box

    async def share(self, call: str, data: bytes, *, sub: str, sid: str, username: str, lifetime: float) -> None:
        """Share ``data`` as this person's trace of ``call`` for ``lifetime`` seconds, in place of an earlier one.

        It ends with the session ``sid`` at the latest.
        """
        with translated("sharing the trace"):
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(
                    "INSERT INTO shared_traces (sub, call, sid, username, data, expires_at)"
                    " VALUES (%s, %s, %s, %s, %s, now() + make_interval(secs => %s))"
                    " ON CONFLICT (sub, call) DO UPDATE SET sid = excluded.sid, username = excluded.username,"
                    " data = excluded.data, shared_at = now(), expires_at = excluded.expires_at",
                    (sub, call, sid, username, self._box.seal(data), lifetime),
                )
                await connection.execute(
                    "DELETE FROM shared_traces WHERE sub = %s AND call IN"
                    " (SELECT call FROM shared_traces WHERE sub = %s ORDER BY shared_at DESC OFFSET %s)",
                    (sub, sub, OWN_LIMIT),
                )

    async def withdraw(self, sub: str) -> None:
        """Nothing of this person's is shared any more."""
        with translated("withdrawing the trace"):
            async with self._pool.connection() as connection:
                await connection.execute("DELETE FROM shared_traces WHERE sub = %s", (sub,))

    async def of_others(self, call: str, *, sub: str) -> list[SharedTrace]:
        """Other people's traces of ``call``, if ``sub`` shares one too; the latest first."""
        with translated("reading shared traces"):
            async with self._pool.connection() as connection:
                found = await connection.execute(
                    "SELECT sub, username, data, extract(epoch FROM shared_at)::float8,"
                    " extract(epoch FROM expires_at)::float8 FROM shared_traces"
                    " WHERE call = %s AND sub <> %s AND expires_at > now()"
                    " AND NOT EXISTS (SELECT FROM ended_sessions ended WHERE ended.sid = shared_traces.sid)"
                    " AND EXISTS (SELECT FROM shared_traces own"
                    " WHERE own.call = %s AND own.sub = %s AND own.expires_at > now())"
                    " ORDER BY shared_at DESC LIMIT %s",
                    (call, sub, call, sub, LIMIT),
                )
                rows = await found.fetchall()
        opened = ((row[0], row[1], self._box.opened(row[2]), row[3], row[4]) for row in rows)
        return [SharedTrace(sub, name, data, at, until) for sub, name, data, at, until in opened if data is not None]
