"""A register of the Vault tokens that servers hold, by accessor, so that what a holder leaves behind can be ended."""

from __future__ import annotations

from typing import LiteralString

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.listener import HOLDERS
from fastmcp_vault.state.protocol import Principal, RegisteredToken

GRACE_SECONDS = 2.0
"""How long a holder may take to end the tokens of an ended session, or of what is suspended, itself."""

_LEFT = """WHERE expires_at > now() AND (
    NOT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %(holders)s AND objid = holder
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    OR EXISTS (SELECT FROM ended_sessions AS e
        WHERE e.sid = vault_tokens.sid AND e.ended_at >= vault_tokens.registered_at
        AND e.ended_at < now() - make_interval(secs => %(grace)s))
    OR EXISTS (SELECT FROM suspensions AS s
        WHERE s.server = vault_tokens.server AND s.suspended_at < now() - make_interval(secs => %(grace)s))
    OR EXISTS (SELECT FROM suspended_principals AS p
        WHERE p.id = CASE p.kind WHEN 'person' THEN vault_tokens.sub ELSE vault_tokens.client END
        AND p.suspended_at < now() - make_interval(secs => %(grace)s)))"""

_SELECT: LiteralString = (
    "SELECT accessor, server, sub, sid, extract(epoch FROM expires_at)::float8, username, client FROM vault_tokens "
)


class VaultTokens:
    """The register. An accessor can revoke and look up its token, never use it.

    Every method raises StateUnavailable when the database does not answer.
    """

    def __init__(self, pool: AsyncConnectionPool, *, holder: int) -> None:
        self._pool, self._holder = pool, holder

    async def register(self, token: RegisteredToken) -> None:
        """Note a token, or a new end of one already noted."""
        with translated("registering a Vault token"):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO vault_tokens (accessor, server, sub, sid, expires_at, username, client, holder)"
                    " VALUES (%s, %s, %s, %s, to_timestamp(%s), %s, %s, %s)"
                    " ON CONFLICT (accessor) DO UPDATE SET expires_at = excluded.expires_at",
                    (
                        token.accessor,
                        token.server,
                        token.sub,
                        token.sid,
                        token.expires_at,
                        token.username,
                        token.client,
                        self._holder,
                    ),
                )

    async def forget(self, accessor: str) -> None:
        """The token is revoked; one that is not there is fine."""
        with translated("forgetting a Vault token"):
            async with self._pool.connection() as connection:
                await connection.execute("DELETE FROM vault_tokens WHERE accessor = %s", (accessor,))

    async def all(self) -> list[RegisteredToken]:
        """Every token that is held."""
        return await self._select("WHERE expires_at > now()")

    async def of_session(self, sid: str) -> list[RegisteredToken]:
        """Tokens made for one Keycloak session, by any server."""
        return await self._select("WHERE expires_at > now() AND sid = %(sid)s", sid=sid)

    async def of_server(self, server: str) -> list[RegisteredToken]:
        """Tokens that one server holds, for anybody."""
        return await self._select("WHERE expires_at > now() AND server = %(server)s", server=server)

    async def of_principal(self, principal: Principal) -> list[RegisteredToken]:
        """Tokens that are held for a person, or for who called with a client, by any server."""
        if principal.kind == "person":
            return await self._select("WHERE expires_at > now() AND sub = %(id)s", id=principal.id)
        return await self._select("WHERE expires_at > now() AND client = %(id)s", id=principal.id)

    async def left_over(self) -> list[RegisteredToken]:
        """Tokens whose holder is gone, or that it has not ended though their session, server, person or client has
        been."""
        return await self._select(_LEFT, holders=HOLDERS, grace=GRACE_SECONDS)

    async def _select(self, where: LiteralString, **values: str | float) -> list[RegisteredToken]:
        with translated("listing Vault tokens"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(_SELECT + where, values)
                return [RegisteredToken(*row) for row in await rows.fetchall()]
