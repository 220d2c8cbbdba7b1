"""How much may be called: quotas counted over all replicas, in PostgreSQL, some calls at a time for each replica.

A replica takes a part of what is left of a minute, and of the calls that may be under way at once, and admits calls
from it without asking (:mod:`fastmcp_vault.state.allowances`). The parts shrink with what is left, down to single
calls; unused ones come back. What was handed out never adds up to more than the quota.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state.audit_rows import AuditRows, whom
from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.listener import HOLDERS
from fastmcp_vault.state.protocol import Principal, Quota

WINDOW_SECONDS = 60
"""A minute of the database's clock, the one clock that all replicas share."""

LARGEST_PART = 64
"""Calls that a replica takes at once, at most; otherwise an eighth of what is left."""

_CALLS: LiteralString = f"""
INSERT INTO quota_windows AS q (server, key, window_at, quota, taken, part, expires_at)
SELECT current_user, w.key, floor(extract(epoch FROM clock_timestamp()) / {WINDOW_SECONDS})::bigint, w.quota,
    least(w.quota, {LARGEST_PART}, greatest(1, w.quota / 8)), least(w.quota, {LARGEST_PART}, greatest(1, w.quota / 8)),
    now() + interval '10 minutes'
FROM unnest(%(keys)s::text[], %(calls)s::integer[]) AS w(key, quota) ORDER BY w.key
ON CONFLICT (server, key) DO UPDATE SET
    quota = excluded.quota,
    window_at = greatest(q.window_at, excluded.window_at),
    part = CASE WHEN excluded.window_at > q.window_at THEN excluded.part
        ELSE greatest(0, least({LARGEST_PART}, greatest(1, (excluded.quota - q.taken) / 8), excluded.quota - q.taken))
        END,
    taken = CASE WHEN excluded.window_at > q.window_at THEN excluded.taken
        ELSE q.taken + greatest(0, least({LARGEST_PART}, greatest(1, (excluded.quota - q.taken) / 8),
        excluded.quota - q.taken)) END,
    expires_at = excluded.expires_at
RETURNING key, window_at::bigint, part, taken,
    ((window_at + 1) * {WINDOW_SECONDS} - extract(epoch FROM clock_timestamp()))::float8 AS ends_in
"""  # noqa: S608 - all ours
"""Each row is locked until the transaction ends: whoever waits for it finds what is left. Whoever waited across the
turn of a minute, or whose clock was set back, takes from the minute that has begun."""

_SLOTS: LiteralString = """
INSERT INTO quota_slots AS s (server, key, holder, held, part, expires_at)
SELECT current_user, w.key, %(holder)s, w.part, w.part, now() + interval '1 hour' FROM (
    SELECT a.key, greatest(0, least(greatest(1, (a.quota - h.held) / 8), a.quota - h.held))::integer AS part
    FROM unnest(%(keys)s::text[], %(slots)s::integer[]) AS a(key, quota) CROSS JOIN LATERAL (
        SELECT coalesce(sum(o.held), 0) AS held FROM quota_slots AS o
        WHERE o.server = current_user AND o.key = a.key AND (o.holder = %(holder)s OR EXISTS (
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %(holders)s AND objid = o.holder
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))) AS h) AS w
ON CONFLICT (server, key, holder) DO UPDATE
SET held = s.held + excluded.held, part = excluded.part, expires_at = excluded.expires_at
RETURNING key, part
"""
"""After _CALLS in the same transaction, so that its locks keep two replicas from taking the same. What a replica that
is gone had under way counts no more."""


class QuotaWish(NamedTuple):
    """A key of which something ran out here: the quota of ``calls`` a minute, that of ``slots`` at once; 0: neither."""

    key: str
    calls: int
    slots: int


@dataclass(frozen=True, slots=True)
class QuotaPart:
    """What a replica may admit. ``taken``: of the minute, by all; the minute ends in ``ends_in`` seconds."""

    calls: int
    slots: int
    window: int
    taken: int
    ends_in: float


class UnusedPart(NamedTuple):
    """What a replica gives back of a key: calls of that minute, and room for calls at once."""

    key: str
    window: int
    calls: int
    slots: int


class Quotas:
    """The counts of one server, which is the account that connects. ``holder``: this replica's number.

    Every method raises StateUnavailable when the database does not answer.
    """

    def __init__(self, pool: AsyncConnectionPool, trail: AuditRows, *, holder: int) -> None:
        self._pool, self._trail, self._holder = pool, trail, holder

    async def take(self, wishes: Sequence[QuotaWish]) -> dict[str, QuotaPart]:
        """A part for each wish; what is used up brings 0."""
        asked: dict[str, Any] = {"keys": [wish.key for wish in wishes], "calls": [wish.calls for wish in wishes]}
        roomy = [wish for wish in wishes if wish.slots]
        room: dict[str, Any] = {
            "keys": [wish.key for wish in roomy],
            "slots": [wish.slots for wish in roomy],
            "holder": self._holder,
            "holders": HOLDERS,
        }
        given: dict[str, int] = {}
        with translated("counting calls"):
            async with self._pool.connection() as connection, connection.transaction():
                rows = await (await connection.execute(_CALLS, asked)).fetchall()
                if roomy:
                    given = dict(await (await connection.execute(_SLOTS, room)).fetchall())
        return {
            key: QuotaPart(part, given.get(key, 0), window, taken, ends_in)
            for key, window, part, taken, ends_in in rows
        }

    async def give_back(self, unused: Sequence[UnusedPart]) -> None:
        """What nobody here used: others may."""
        keys, windows, calls, slots = (list(column) for column in zip(*unused, strict=True))
        with translated("counting calls"):
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(
                    "UPDATE quota_windows AS q SET taken = q.taken - u.calls FROM"
                    " (SELECT * FROM unnest(%s::text[], %s::bigint[], %s::integer[]) AS a(key, window_at, calls)"
                    " ORDER BY key) AS u"
                    " WHERE q.server = current_user AND q.key = u.key AND q.window_at = u.window_at",
                    (keys, windows, calls),
                )
                await connection.execute(
                    "UPDATE quota_slots AS s SET held = s.held - u.slots FROM"
                    " unnest(%s::text[], %s::integer[]) AS u(key, slots)"
                    " WHERE s.server = current_user AND s.key = u.key AND s.holder = %s",
                    (keys, slots, self._holder),
                )

    async def override(self, principal: Principal, quota: Quota | None, *, name: str, by: str = "") -> None:
        """Another quota for a person or a client, at every server; None: the server's own again. Noted in the trail."""
        with translated(Sentence("setting a limit for {name}", name=name)):
            async with self._pool.connection() as connection:
                if quota is None:
                    await connection.execute(
                        "DELETE FROM quota_overrides WHERE kind = %s AND iss = %s AND id = %s", principal
                    )
                else:
                    await connection.execute(
                        "INSERT INTO quota_overrides (kind, iss, id, per_minute, at_once, name, set_by)"
                        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (kind, iss, id) DO UPDATE SET"
                        " per_minute = excluded.per_minute, at_once = excluded.at_once, name = excluded.name,"
                        " set_by = excluded.set_by, set_at = clock_timestamp()",
                        (*principal, *quota, name, by),
                    )
        about = whom(principal, name)
        if quota is None:
            await self._trail.note("unlimited", by=by, **about)
        else:
            await self._trail.note("limited", by=by, per_minute=quota.per_minute, at_once=quota.at_once, **about)

    async def overrides(self) -> list[tuple[str, Principal, Quota]]:
        """Each that is set: the name that it was set for, whose it is, and what it is."""
        with translated("listing limits"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "SELECT name, kind, iss, id, per_minute, at_once FROM quota_overrides ORDER BY name"
                )
                return [(row[0], Principal(*row[1:4]), Quota(*row[4:])) for row in await rows.fetchall()]
