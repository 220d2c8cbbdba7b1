"""How far people are in the workshop, so that a new browser, a new sign-in or a restart goes on where they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

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
class FailedCheck:
    """The last check of an exercise that is not done: how many failed in a row, when the last did (seconds since the
    epoch), and what the person was told."""

    exercise: str
    tries: int
    at: float
    said: str


@dataclass(frozen=True, slots=True)
class Participant:
    """One person's standing: how many exercises are done, and when the last was (seconds since the epoch).

    ``username``: as at their last step; ``sub`` is who they are. ``exercise``: where they pressed last. ``stuck``:
    their last failed check, if they have not got over it.
    """

    sub: str
    username: str
    done: int
    last: float | None
    exercise: str = ""
    stuck: FailedCheck | None = None


@dataclass(frozen=True, slots=True)
class WorkshopBoard:
    """What the facilitator shows everybody: when the time is up (seconds since the epoch; None without a timer), and
    the exercises whose answer may be seen."""

    ends_at: float | None = None
    answers: tuple[str, ...] = ()


_PARTICIPANTS: LiteralString = """
SELECT sub, (array_agg(username ORDER BY expires_at DESC))[1] AS name, count(done_at) AS done,
    extract(epoch FROM max(done_at))::float8, (array_agg(exercise ORDER BY expires_at DESC))[1],
    (array_agg(jsonb_build_array(exercise, tries, extract(epoch FROM failed_at)::float8, said) ORDER BY failed_at DESC)
        FILTER (WHERE tries > 0 AND done_at IS NULL))[1]
FROM workshop_progress GROUP BY sub ORDER BY done DESC, name, sub
"""


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
                    " tries = 0, said = '', expires_at = excluded.expires_at",
                    {
                        "sub": sub,
                        "exercise": exercise,
                        "username": username,
                        "kept": None if kept is None else Jsonb(dict(kept)),
                        "done": done,
                        "days": KEEP_DAYS,
                    },
                )

    async def failed(self, sub: str, username: str, exercise: str, *, said: str) -> None:
        """Keep that a check failed, and what the person was told; an exercise that is done stays done."""
        with translated("keeping the workshop's progress"):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO workshop_progress AS w (sub, exercise, username, tries, failed_at, said, expires_at)"
                    " VALUES (%s, %s, %s, 1, now(), %s, now() + make_interval(days => %s))"
                    " ON CONFLICT (sub, exercise) DO UPDATE SET username = excluded.username, tries = w.tries + 1,"
                    " failed_at = excluded.failed_at, said = excluded.said, expires_at = excluded.expires_at",
                    (sub, exercise, username, said, KEEP_DAYS),
                )

    async def participants(self) -> list[Participant]:
        """Everybody who began, the furthest first."""
        with translated("reading the workshop's progress"):
            async with self._pool.connection() as connection:
                rows = await (await connection.execute(_PARTICIPANTS)).fetchall()
                return [
                    Participant(sub, name, done, last, exercise, FailedCheck(*failed) if failed else None)
                    for sub, name, done, last, exercise, failed in rows
                ]

    async def standing(self) -> dict[str, int]:
        """By exercise, how many people have done it; those that nobody has done are not in it."""
        with translated("reading the workshop's progress"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "SELECT exercise, count(*) FROM workshop_progress WHERE done_at IS NOT NULL GROUP BY exercise"
                )
                return dict(await rows.fetchall())

    async def board(self) -> WorkshopBoard:
        """What is shown to everybody now."""
        with translated("reading the workshop's progress"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "SELECT extract(epoch FROM ends_at)::float8, answers FROM workshop_board"
                )
                found = await rows.fetchone()
                return WorkshopBoard(found[0], tuple(found[1])) if found else WorkshopBoard()

    async def set_timer(self, seconds: float | None) -> None:
        """Let the time be up in so many seconds, for everybody; None: no timer."""
        await self._write_board(
            "INSERT INTO workshop_board (ends_at) VALUES (now() + make_interval(secs => %s))"
            " ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at",
            seconds,
        )

    async def show_answers(self, exercises: Sequence[str]) -> None:
        """Let everybody see the answers of these exercises, and of no other."""
        await self._write_board(
            "INSERT INTO workshop_board (answers) VALUES (%s)"
            " ON CONFLICT (id) DO UPDATE SET answers = excluded.answers",
            list(exercises),
        )

    async def _write_board(self, statement: LiteralString, given: Any) -> None:
        with translated("keeping the workshop's progress"):
            async with self._pool.connection() as connection:
                await connection.execute(statement, (given,))

    async def reset(self, sub: str = "") -> int:
        """Forget one person's progress, or everybody's with what is shown; how many people began anew."""
        with translated("resetting the workshop"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "WITH gone AS (DELETE FROM workshop_progress WHERE sub = %(who)s OR %(who)s = ''"
                    " RETURNING sub) SELECT count(DISTINCT sub) FROM gone",
                    {"who": sub},
                )
                found = await rows.fetchone()
                if not sub:
                    await connection.execute("DELETE FROM workshop_board")
                return int(found[0]) if found else 0
