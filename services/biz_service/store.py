"""Commands and results, in PostgreSQL's ``mcp_state``.

There, and not in a file of the service's own: what an agent reported must survive a restart and a container whose disk
is read-only, and every replica must see the same queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.pool import answers, state_pool
from services.agents.errors import AlreadyFinished, InvalidRequest, QueueFull, UnknownCommand

MOST_PENDING = 100
"""Commands that wait for one agent; giving it more is refused."""

KEEP_DAYS = 30
"""How long a finished command is kept."""

_PENDING = """
SELECT id::text AS command_id, command, parameters, created_by, extract(epoch FROM created_at)::float8 AS created_at
FROM agent_commands WHERE agent = %s AND status = 'pending' ORDER BY created_at, id
"""
_ADD = """
INSERT INTO agent_commands (agent, command, parameters, created_by)
SELECT %(agent)s, %(command)s, %(parameters)s, %(by)s
WHERE (SELECT count(*) FROM agent_commands WHERE agent = %(agent)s AND status = 'pending') < %(most)s
RETURNING id::text
"""
_FINISH = """
UPDATE agent_commands SET status = %s, result = %s, finished_at = now()
WHERE id = %s AND agent = %s AND status = 'pending' RETURNING extract(epoch FROM finished_at)::float8
"""


@dataclass(frozen=True, slots=True)
class Command:
    """Something an agent is to do."""

    agent: str
    command: str
    parameters: dict[str, Any]
    created_by: str


class Commands:
    """The store, for one event loop; use as ``async with``. Every method raises StateUnavailable."""

    def __init__(self, dsn: SecretStr) -> None:
        self._pool = state_pool(dsn, application_name="biz-service")

    async def answer(self) -> bool:
        """Whether commands can be read now; never raises."""
        return await answers(self._pool, "SELECT FROM agent_commands LIMIT 1")

    async def pending(self, agent: str) -> list[dict[str, Any]]:
        """What is waiting for ``agent``, the oldest first; ``created_at`` in seconds since the epoch."""
        with translated("reading commands"):
            async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(_PENDING, [agent])
                return await cursor.fetchall()

    async def add(self, new: Command) -> str:
        """Queue a command; its id. Raises QueueFull, InvalidRequest."""
        values = {"agent": new.agent, "command": new.command, "by": new.created_by, "most": MOST_PENDING}
        with translated("storing a command"):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "DELETE FROM agent_commands WHERE finished_at < now() - make_interval(days => %s)", [KEEP_DAYS]
                )
                try:
                    row = await connection.execute(_ADD, values | {"parameters": Jsonb(new.parameters)})
                except psycopg.DataError as error:
                    raise _unstorable() from error
                found = await row.fetchone()
        if found is None:
            raise QueueFull(Sentence("{most} commands are waiting for this agent already.", most=MOST_PENDING))
        return str(found[0])

    async def finish(self, agent: str, command_id: str, *, status: str, result: Any) -> float:
        """Record the one report on a command; when that was. Raises UnknownCommand, AlreadyFinished, InvalidRequest."""
        try:
            wanted = UUID(command_id)
        except ValueError:
            raise _unknown() from None
        with translated("storing a result"):
            async with self._pool.connection() as connection:
                try:
                    row = await connection.execute(_FINISH, [status, Jsonb(result), wanted, agent])
                except psycopg.DataError as error:
                    raise _unstorable() from error
                finished = await row.fetchone()
                if finished is not None:
                    return float(finished[0])
                there = await connection.execute(
                    "SELECT 1 FROM agent_commands WHERE id = %s AND agent = %s", [wanted, agent]
                )
                known = await there.fetchone() is not None
        raise AlreadyFinished("A result for this command was recorded before.") if known else _unknown()

    async def __aenter__(self) -> Commands:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()


def _unknown() -> UnknownCommand:
    return UnknownCommand("There is no such command for this agent.")


def _unstorable() -> InvalidRequest:
    return InvalidRequest("The value holds characters that cannot be stored, such as U+0000.")
