"""A person's yes before a tool changes something: asked, given or refused, and used once, on whichever replica."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from fastmcp_vault import metrics
from fastmcp_vault.levels import reached
from fastmcp_vault.state.failures import translated

Way = Literal["form", "link"]
"""``form``: the client that calls asks the person and says what they answered. ``link``: the app asks them."""

Status = Literal["pending", "approved", "refused", "used", "expired"]

LIMIT = 50
"""Questions kept for one person at once; beyond it the oldest is forgotten, so that nobody can fill the database."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``binding``: SHA-256 of who calls what with which arguments; ``facts``: what the person is shown.

    ``login_age``: how many seconds the approver's sign-in may be old; 0: any. ``acr``: the level it must have, if any.
    """

    binding: bytes
    way: Way
    server: str
    tool: str
    sub: str
    sid: str
    facts: Mapping[str, Any]
    login_age: int = 0
    acr: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """A question and what became of it. Times: seconds since the epoch, by the database's clock.

    ``given_acr``: the level of the sign-in by which the app was answered.
    """

    id: str
    binding: bytes
    way: Way
    server: str
    tool: str
    sub: str
    facts: Mapping[str, Any]
    login_age: int
    acr: str
    given_acr: str
    status: Status
    asked_at: float
    decided_at: float | None
    expires_at: float


_OF: LiteralString = (
    " id, binding, way, server, tool, sub, facts, login_age, acr, given_acr,"
    " CASE WHEN status IN ('pending', 'approved') AND expires_at <= clock_timestamp() THEN 'expired' ELSE status END"
    " AS status, extract(epoch FROM asked_at)::float8 AS asked_at,"
    " extract(epoch FROM decided_at)::float8 AS decided_at, extract(epoch FROM expires_at)::float8 AS expires_at"
)

_ASK: LiteralString = (
    "INSERT INTO approvals (id, binding, way, server, tool, sub, sid, facts, login_age, acr, expires_at) VALUES"
    " (%(id)s, %(binding)s, %(way)s, %(server)s, %(tool)s, %(sub)s, %(sid)s, %(facts)s, %(login_age)s, %(acr)s,"
    " clock_timestamp() + make_interval(secs => %(lifetime)s)) RETURNING"
) + _OF

_USE: LiteralString = (  # noqa: S608 - all ours
    "UPDATE approvals SET status = 'used', facts = '{}', decided_at = coalesce(decided_at, clock_timestamp())"
    " WHERE id = %(id)s AND binding = %(binding)s AND expires_at > clock_timestamp()"
    " AND status = CASE way WHEN 'form' THEN 'pending' ELSE 'approved' END RETURNING"
) + _OF
"""The row's lock makes it once: whoever waits for it finds `used`."""

_DECIDE: LiteralString = (  # noqa: S608 - all ours
    "UPDATE approvals SET status = %(status)s, decided_at = clock_timestamp(), given_acr = %(given_acr)s,"
    " facts = CASE WHEN %(status)s = 'refused' THEN '{}'::jsonb ELSE facts END"
    " WHERE id = %(id)s AND sub = %(sub)s AND way = %(way)s AND status = 'pending' AND expires_at > clock_timestamp()"
    " AND (login_age = 0 OR %(status)s = 'refused'"
    " OR %(login_at)s >= extract(epoch FROM clock_timestamp()) - login_age)"
    " AND (acr = '' OR %(status)s = 'refused' OR acr = ANY(%(reached)s)) RETURNING"
) + _OF


class Approvals:
    """Questions by an id that opens nothing by itself. Every method may raise StateUnavailable."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def ask(self, question: Question, *, lifetime: float, limit: int = LIMIT) -> Approval:
        """Put a question that may be answered, and its yes used, for ``lifetime`` seconds."""
        async with self._asking("asking for approval") as cursor:
            await cursor.execute(
                _ASK,
                {
                    "id": secrets.token_urlsafe(24),
                    "lifetime": lifetime,
                    "facts": Jsonb(dict(question.facts)),
                    "binding": question.binding,
                    "way": question.way,
                    "server": question.server,
                    "tool": question.tool,
                    "sub": question.sub,
                    "sid": question.sid,
                    "login_age": question.login_age,
                    "acr": question.acr,
                },
            )
            asked = await cursor.fetchone()
            await cursor.execute(
                "DELETE FROM approvals WHERE id IN"
                " (SELECT id FROM approvals WHERE sub = %s ORDER BY asked_at DESC OFFSET %s)",
                (question.sub, limit),
            )
        assert asked is not None
        metrics.APPROVALS.add(audience=asked.server, outcome="asked")
        return asked

    async def find(self, approval_id: str) -> Approval | None:
        """What became of it; None when it was never asked, or is forgotten."""
        async with self._asking("looking at an approval") as cursor:
            await cursor.execute("SELECT" + _OF + " FROM approvals WHERE id = %s", (approval_id,))
            return await cursor.fetchone()

    async def latest(self, binding: bytes) -> Approval | None:
        """Where the app's question about this very call stands: a yes that is not used yet, else the newest."""
        async with self._asking("looking for an approval") as cursor:
            await cursor.execute(
                "SELECT" + _OF + " FROM approvals WHERE binding = %s AND way = 'link' AND status <> 'used'"
                " AND expires_at > clock_timestamp() ORDER BY status = 'approved' DESC, asked_at DESC LIMIT 1",
                (binding,),
            )
            return await cursor.fetchone()

    async def use(self, approval_id: str, binding: bytes) -> Approval | None:
        """Spend a yes on the call that it was given for: true for one caller, whatever happens afterwards.

        None when there is nothing to spend: never asked, another call's, refused, used, expired, or not answered yet.
        """
        async with self._asking("using an approval") as cursor:
            await cursor.execute(_USE, {"id": approval_id, "binding": binding})
            used = await cursor.fetchone()
        if used is not None:
            metrics.APPROVALS.add(audience=used.server, outcome="used")
        return used

    async def decide(
        self, approval_id: str, *, sub: str, way: Way, approve: bool, login_at: float = 0.0, acr: str = ""
    ) -> Approval | None:
        """The person's answer, once. ``login_at``: when they signed in (epoch seconds); ``acr``: at which level.

        None when there is nothing to answer (any more), it is another person's, or the sign-in is too old or too weak
        for a yes.
        """
        async with self._asking("keeping the answer") as cursor:
            await cursor.execute(
                _DECIDE,
                {
                    "id": approval_id,
                    "sub": sub,
                    "way": way,
                    "status": "approved" if approve else "refused",
                    "login_at": login_at,
                    "given_acr": acr,
                    "reached": reached(acr),
                },
            )
            decided = await cursor.fetchone()
        if decided is not None:
            metrics.APPROVALS.add(audience=decided.server, outcome="given" if approve else "refused")
        return decided

    @asynccontextmanager
    async def _asking(self, doing: str) -> AsyncIterator[AsyncCursor[Approval]]:
        with translated(doing):
            async with (
                self._pool.connection() as connection,
                connection.transaction(),
                connection.cursor(row_factory=class_row(Approval)) as cursor,
            ):
                yield cursor


async def count_expired(connection: AsyncConnection[Any]) -> int:
    """Delete questions that nobody answered in time, or whose yes nobody used; returns how many."""
    rows = await connection.execute(
        "DELETE FROM approvals WHERE expires_at <= now() AND status IN ('pending', 'approved') RETURNING server"
    )
    gone = await rows.fetchall()
    for (server,) in gone:
        metrics.APPROVALS.add(audience=server, outcome="expired")
    return len(gone)
