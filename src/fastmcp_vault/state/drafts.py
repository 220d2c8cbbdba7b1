"""What somebody had typed when their session ended: encrypted, with an end, given back once, to that person only."""

from __future__ import annotations

import hashlib
import json

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.sealing import SealedBox


class Drafts:
    """One draft per person, by issuer and user id. Every method raises StateUnavailable when there is no answer."""

    def __init__(self, pool: AsyncConnectionPool, box: SealedBox) -> None:
        self._pool, self._box = pool, box

    async def keep(self, data: bytes, *, iss: str, sub: str, lifetime: float) -> None:
        """Keep ``data`` for ``lifetime`` seconds, in place of an earlier draft of this person."""
        with translated("keeping a draft"):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO drafts (owner, data, expires_at) VALUES (%s, %s, now() + make_interval(secs => %s))"
                    " ON CONFLICT (owner) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at",
                    (owner_of(iss, sub), self._box.seal(data), lifetime),
                )

    async def take(self, *, iss: str, sub: str) -> bytes | None:
        """This person's draft, which is then gone; None if there is none, or it is too old."""
        with translated("looking for a draft"):
            async with self._pool.connection() as connection:
                found = await connection.execute(
                    "DELETE FROM drafts WHERE owner = %s RETURNING CASE WHEN expires_at > now() THEN data END",
                    (owner_of(iss, sub),),
                )
                row = await found.fetchone()
        return self._box.opened(row[0]) if row and row[0] is not None else None


def owner_of(iss: str, sub: str) -> bytes:
    """Who it belongs to, unreadable: issuers and ids stay apart whatever characters they have."""
    return hashlib.sha256(json.dumps([iss, sub]).encode()).digest()
