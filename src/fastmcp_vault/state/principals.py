"""People and clients that an administrator has stopped everywhere, and what of theirs waits in the shared state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state.audit_rows import AuditRows, whom
from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.protocol import Principal


@dataclass(frozen=True, slots=True)
class PrincipalSuspension:
    """A person or a client that is stopped: under which name, why, by whom. ``since``: seconds since the epoch."""

    principal: Principal
    name: str
    reason: str
    by: str
    since: float


_SUSPEND: LiteralString = (
    "INSERT INTO suspended_principals (kind, iss, id, name, reason, suspended_by) VALUES (%s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (kind, iss, id) DO UPDATE SET name = excluded.name, reason = excluded.reason,"
    " suspended_by = excluded.suspended_by"
)

_WAITING: dict[str, tuple[LiteralString, ...]] = {
    "person": (
        "DELETE FROM approvals WHERE sub = %s AND status IN ('pending', 'approved')",
        "DELETE FROM account_requests WHERE sub = %s",
        "DELETE FROM shared_traces WHERE sub = %s",
    ),
    "client": (),
}
"""What goes with a suspension. A client's questions are answered by people, and used by calls that are refused."""

_SESSIONS: dict[str, LiteralString] = {"person": "DELETE FROM app_sessions WHERE sub = %s"}
"""What goes when a suspension is lifted: until then a session tells its person why they are refused."""


class SuspendedPrincipals:
    """Suspensions of people and clients. Every method raises StateUnavailable when the database does not answer."""

    def __init__(self, pool: AsyncConnectionPool, trail: AuditRows) -> None:
        self._pool, self._trail = pool, trail

    async def suspend(self, principal: Principal, *, name: str, reason: str = "", by: str = "") -> int:
        """Stop them at every server, at once; suspended already, the reason changes. Returns how many of their open
        questions, links and shared traces went with it.
        """
        gone = 0
        with translated(Sentence("suspending {server}", server=name)):
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(_SUSPEND, (*principal, name, reason, by))
                for statement in _WAITING[principal.kind]:
                    gone += (await connection.execute(statement, (principal.id,))).rowcount
        await self._trail.note("suspended", by=by, reason=reason, **whom(principal, name))
        return gone

    async def note_revoked(
        self, principal: Principal, *, name: str, by: str, held: int, left_over: int, problems: str = ""
    ) -> None:
        """Write down what a suspension came to; ``problems``: what else could not be ended."""
        about = whom(principal, name)
        await self._trail.note("revoked", by=by, reason=problems, held=held, left_over=left_over, **about)

    async def resume(self, principal: Principal, *, by: str = "") -> bool:
        """Lift a suspension; whether there was one. The person's sessions at the app end: they sign in anew."""
        with translated(Sentence("resuming {server}", server=principal.id)):
            async with self._pool.connection() as connection, connection.transaction():
                lifted = await connection.execute(
                    "DELETE FROM suspended_principals WHERE kind = %s AND iss = %s AND id = %s RETURNING name",
                    principal,
                )
                row = await lifted.fetchone()
                if row is not None and (sessions := _SESSIONS.get(principal.kind)):
                    await connection.execute(sessions, (principal.id,))
        if row is not None:
            await self._trail.note("resumed", by=by, **whom(principal, row[0]))
        return row is not None

    async def all(self) -> list[PrincipalSuspension]:
        """Everybody and everything that is suspended now, the newest first."""
        with translated("listing who is suspended"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "SELECT kind, iss, id, name, reason, suspended_by, extract(epoch FROM suspended_at)::float8"
                    " FROM suspended_principals ORDER BY suspended_at DESC"
                )
                return [PrincipalSuspension(Principal(*row[:3]), *row[3:]) for row in await rows.fetchall()]
