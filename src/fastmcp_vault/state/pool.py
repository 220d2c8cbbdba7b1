"""Connections to ``mcp_state`` as every process takes them: few, made when needed, and tried again within a second."""

from __future__ import annotations

import asyncio
import time

import psycopg
from psycopg_pool import AsyncConnectionPool
from pydantic import SecretStr

from fastmcp_vault.errors import StateUnavailable
from fastmcp_vault.state.failures import translated
from fastmcp_vault.tracing.statements import SpannedCursor

WAIT_SECONDS = 2.0
"""How long a request waits for a connection, and a connection for a sign of life."""

RECONNECT_SECONDS = 1.0
"""How long one attempt to connect is repeated; the next request begins a new one at once.

The pool's own default, 300 s, doubles its pauses all that time and lets no request begin another attempt meanwhile.
"""


def state_pool(dsn: SecretStr, *, application_name: str) -> AsyncConnectionPool:
    """A pool that is not open yet, for one event loop. What it raises is for ``state.failures.translated``."""
    drained_at = float("-inf")

    async def alive(connection: psycopg.AsyncConnection) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await AsyncConnectionPool.check_connection(connection)
        except Exception:
            nonlocal drained_at
            # Where one connection is dead the others are too: all are replaced, so that the request finds a new one.
            if time.monotonic() - drained_at > WAIT_SECONDS:
                drained_at = time.monotonic()
                await pool.drain()
            raise

    pool = AsyncConnectionPool(
        dsn.get_secret_value(),
        kwargs={
            "autocommit": True,
            "application_name": application_name,
            "connect_timeout": 2,
            "cursor_factory": SpannedCursor,
        },
        min_size=0,
        max_size=8,
        timeout=WAIT_SECONDS,
        max_idle=60.0,
        reconnect_timeout=RECONNECT_SECONDS,
        open=False,
        check=alive,
    )
    return pool


async def answers(pool: AsyncConnectionPool, question: str = "SELECT") -> bool:
    """Whether a request would be served now: a connection is had and ``question`` (SQL) answered in WAIT_SECONDS."""
    try:
        with translated("asking for a sign of life"):
            async with asyncio.timeout(WAIT_SECONDS), pool.connection() as connection:
                await connection.execute(question.encode())
    except (StateUnavailable, TimeoutError):
        return False
    return True
