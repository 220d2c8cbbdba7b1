"""Links by which a person connects an account: each is one person's, for one provider, good once and for minutes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.state.failures import translated

LIFETIME = 600.0
"""Seconds in which a link must be used."""

LIMIT = 20
"""Links kept for one person at once; beyond it the oldest is forgotten, so that nobody can fill the database."""


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """Who is to connect an account at which provider. ``writing``: for tools that change something, too."""

    id: str
    server: str
    sub: str
    provider: str
    tool: str
    client: str
    writing: bool


class AccountRequests:
    """The links. An id opens nothing by itself: it names whose it is. Every method may raise StateUnavailable."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def ask(self, *, sub: str, sid: str, provider: str, tool: str, client: str, writing: bool) -> str:
        """A new link's id, for the server whose account this is."""
        made = secrets.token_urlsafe(24)
        with translated("asking for an account to be connected"):
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(
                    "INSERT INTO account_requests (id, server, sub, sid, provider, tool, client, writing, expires_at)"
                    " VALUES (%s, current_user, %s, %s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))",
                    (made, sub, sid, provider, tool, client, writing, LIFETIME),
                )
                await connection.execute(
                    "DELETE FROM account_requests WHERE id IN (SELECT id FROM account_requests WHERE sub = %s"
                    " ORDER BY expires_at DESC OFFSET %s)",
                    (sub, LIMIT),
                )
        return made

    async def find(self, request_id: str) -> AccountRequest | None:
        """The link, if it is good."""
        with translated("looking for a link"):
            async with (
                self._pool.connection() as connection,
                connection.cursor(row_factory=class_row(AccountRequest)) as c,
            ):
                await c.execute(
                    "SELECT id, server, sub, provider, tool, client, writing FROM account_requests"
                    " WHERE id = %s AND expires_at > clock_timestamp()",
                    (request_id,),
                )
                return await c.fetchone()

    async def use(self, request_id: str, *, sub: str) -> bool:
        """True the first time, for the person whose link it is."""
        with translated("using a link"):
            async with self._pool.connection() as connection:
                used = await connection.execute(
                    "DELETE FROM account_requests WHERE id = %s AND sub = %s AND expires_at > clock_timestamp()",
                    (request_id, sub),
                )
                return used.rowcount == 1
