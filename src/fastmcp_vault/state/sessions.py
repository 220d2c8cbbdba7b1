"""The app's sessions at rest: encrypted, found by the hash of an id that only the browser knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.sealing import SealedBox, id_hash


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it was saved; ``expires_at`` in seconds since the epoch."""

    data: bytes = field(repr=False)
    sid: str
    sub: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody's Keycloak session as an administrator sees it; ``expires_at`` in seconds since the epoch."""

    sid: str
    sub: str
    username: str
    expires_at: float


class SessionStore:
    """Sessions by id. Every method raises StateUnavailable when the database does not answer."""

    def __init__(self, pool: AsyncConnectionPool, box: SealedBox) -> None:
        self._pool, self._box = pool, box

    async def save(
        self, session_id: str, data: bytes, *, sid: str, sub: str, expires_at: float, username: str = ""
    ) -> None:
        """Store ``data`` under ``session_id``, in place of what was there; ``expires_at``: seconds since the epoch."""
        sealed = self._box.seal(data)
        with translated("saving the session"):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO app_sessions (id_hash, data, sid, sub, expires_at, username)"
                    " VALUES (%s, %s, %s, %s, to_timestamp(%s), %s) ON CONFLICT (id_hash) DO UPDATE"
                    " SET data = excluded.data, sid = excluded.sid, sub = excluded.sub,"
                    " expires_at = excluded.expires_at, username = excluded.username",
                    (id_hash(session_id), sealed, sid, sub, expires_at, username),
                )

    async def load(self, session_id: str) -> StoredSession | None:
        """The session, unless there is none, it has expired, or it was encrypted with a key no longer given."""
        with translated("loading the session"):
            async with self._pool.connection() as connection:
                found = await connection.execute(
                    "SELECT data, sid, sub, extract(epoch FROM expires_at)::float8 FROM app_sessions"
                    " WHERE id_hash = %s AND expires_at > now()",
                    (id_hash(session_id),),
                )
                row = await found.fetchone()
        data = self._box.opened(row[0]) if row else None
        return StoredSession(data, row[1], row[2], row[3]) if row and data is not None else None

    async def signed_in(self) -> list[SignedIn]:
        """Every session that lives, by username; nothing of what it holds."""
        with translated("listing the sessions"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "SELECT sid, min(sub), min(username), extract(epoch FROM max(expires_at))::float8 FROM app_sessions"
                    " WHERE expires_at > now() GROUP BY sid ORDER BY min(username), sid"
                )
                return [SignedIn(*row) for row in await rows.fetchall()]

    async def number(self) -> int:
        """How many sessions live."""
        with translated("counting the sessions"):
            async with self._pool.connection() as connection:
                row = await connection.execute("SELECT count(DISTINCT sid) FROM app_sessions WHERE expires_at > now()")
                return int((await row.fetchone() or (0,))[0])

    async def delete(self, session_id: str) -> None:
        """Forget the session; one that is not there is fine."""
        with translated("deleting the session"):
            async with self._pool.connection() as connection:
                await connection.execute("DELETE FROM app_sessions WHERE id_hash = %s", (id_hash(session_id),))
