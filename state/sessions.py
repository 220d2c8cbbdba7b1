"""The app's sessions at rest: encrypted, found by the hash of an id that only the browser knows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg_pool import AsyncConnectionPool
from pydantic import SecretStr

from common.errors import ConfigError
from state.failures import translated


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it was saved; ``expires_at`` in seconds since the epoch."""

    data: bytes = field(repr=False)
    sid: str
    sub: str
    expires_at: float


class Sessions:
    """Sessions by id. The first of ``keys`` (Fernet keys) encrypts, all of them decrypt, so that keys can be rotated.

    Every method raises StateUnavailable when the database does not answer.
    """

    def __init__(self, pool: AsyncConnectionPool, keys: Sequence[SecretStr]) -> None:
        self._pool = pool
        try:
            self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])
        except ValueError:
            # Not chained: the cause's text may quote the key.
            raise ConfigError(
                "APP_SESSION_KEY is not a Fernet key.",
                fix="It is 32 random bytes in URL-safe base64: `python -c 'import base64, os;"
                " print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`.",
            ) from None

    async def save(self, session_id: str, data: bytes, *, sid: str, sub: str, expires_at: float) -> None:
        """Store ``data`` under ``session_id``, in place of what was there; ``expires_at``: seconds since the epoch."""
        sealed = self._fernet.encrypt(data)
        with translated("saving the session"):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO app_sessions (id_hash, data, sid, sub, expires_at)"
                    " VALUES (%s, %s, %s, %s, to_timestamp(%s)) ON CONFLICT (id_hash) DO UPDATE"
                    " SET data = excluded.data, sid = excluded.sid, sub = excluded.sub,"
                    " expires_at = excluded.expires_at",
                    (_hash(session_id), sealed, sid, sub, expires_at),
                )

    async def load(self, session_id: str) -> StoredSession | None:
        """The session, unless there is none, it has expired, or it was encrypted with a key no longer given."""
        with translated("loading the session"):
            async with self._pool.connection() as connection:
                found = await connection.execute(
                    "SELECT data, sid, sub, extract(epoch FROM expires_at)::float8 FROM app_sessions"
                    " WHERE id_hash = %s AND expires_at > now()",
                    (_hash(session_id),),
                )
                row = await found.fetchone()
        if row is None:
            return None
        try:
            return StoredSession(self._fernet.decrypt(row[0]), row[1], row[2], row[3])
        except InvalidToken:
            return None

    async def delete(self, session_id: str) -> None:
        """Forget the session; one that is not there is fine."""
        with translated("deleting the session"):
            async with self._pool.connection() as connection:
                await connection.execute("DELETE FROM app_sessions WHERE id_hash = %s", (_hash(session_id),))


def _hash(session_id: str) -> bytes:
    """Ids are 256 random bits, so a plain hash is enough: nobody can guess one from its hash."""
    return hashlib.sha256(session_id.encode()).digest()
