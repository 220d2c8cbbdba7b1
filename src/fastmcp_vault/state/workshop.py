"""How far people are in the workshop, so that a new browser, a new sign-in or a restart goes on where they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.state.failures import translated

KEEP_DAYS = 30
"""How long progress is remembered after the last step."""


@dataclass(frozen=True, slots=True)
class WorkshopProgress:
    """One exercise of one person. ``done_at``: seconds since the epoch; None while it is not done.

    ``kept``: what its first part saw, for an exercise of two parts.
    """

    done_at: float | None = None
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Participant:
    """One person's standing: how many exercises are done, and when the last was (seconds since the epoch).

    ``username``: as at their last step; ``sub`` is who they are.
    """

    sub: str
    username: str
    done: int
    last: float | None


class Workshop:
    """Progress by person and exercise. Every method raises StateUnavailable when the database does not answer."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def of(self, sub: str) -> dict[str, WorkshopProgress]:
        """One person's progress by exercise; an exercise that was never begun is not in it."""
        with translated("reading the workshop's progress"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "SELECT exercise, extract(epoch FROM done_at)::float8, kept FROM workshop_progress WHERE sub = %s",
                    (sub,),
                )
                return {name: WorkshopProgress(done_at, kept) for name, done_at, kept in await rows.fetchall()}

    async def note(
        self, sub: str, username: str, exercise: str, *, kept: Mapping[str, str] | None = None, done: bool = False
    ) -> None:
        """Keep what was seen, or that it is done. What is done once stays done."""
        with translated("keeping the workshop's progress"):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO workshop_progress AS w (sub, exercise, username, kept, done_at, expires_at)"
                    " VALUES (%(sub)s, %(exercise)s, %(username)s, coalesce(%(kept)s, '{}'::jsonb),"
                    " CASE WHEN %(done)s THEN now() END, now() + make_interval(days => %(days)s))"
                    " ON CONFLICT (sub, exercise) DO UPDATE SET username = excluded.username,"
                    " kept = coalesce(%(kept)s, w.kept), done_at = coalesce(w.done_at, excluded.done_at),"
                    " expires_at = excluded.expires_at",
                    {
                        "sub": sub,
                        "exercise": exercise,
                        "username": username,
                        "kept": None if kept is None else Jsonb(dict(kept)),
                        "done": done,
                        "days": KEEP_DAYS,
                    },
                )

    async def participants(self) -> list[Participant]:
        """Everybody who began, the furthest first."""
        with translated("reading the workshop's progress"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "SELECT sub, (array_agg(username ORDER BY expires_at DESC))[1] AS name, count(done_at) AS done,"
                    " extract(epoch FROM max(done_at))::float8"
                    " FROM workshop_progress GROUP BY sub ORDER BY done DESC, name, sub"
                )
                return [Participant(*row) for row in await rows.fetchall()]

    async def reset(self, sub: str = "") -> int:
        """Forget one person's progress, or everybody's; how many people began anew."""
        with translated("resetting the workshop"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "WITH gone AS (DELETE FROM workshop_progress WHERE sub = %(who)s OR %(who)s = ''"
                    " RETURNING sub) SELECT count(DISTINCT sub) FROM gone",
                    {"who": sub},
                )
                found = await rows.fetchone()
                return int(found[0]) if found else 0
