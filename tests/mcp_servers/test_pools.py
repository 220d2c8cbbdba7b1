"""A server's database connections: few for everybody together, and closed for whoever needs one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from fastmcp_vault.credentials.pools import Connections, LeaseGone, LeasePool
from fastmcp_vault.errors import BackendUnavailable
from stack.testing import Stack
from tests.mcp_servers.callers import as_superuser

LIMIT = 3

MakePool = Callable[[], LeasePool]


@pytest.fixture
def name() -> str:
    return f"pools-{uuid4().hex}"


@pytest.fixture
def make_pool(stack: Stack, name: str) -> MakePool:
    among = Connections(limit=LIMIT, wait=0.2)
    connection = {
        "host": "localhost",
        "port": stack.ports["postgres"],
        "user": "postgres",
        "password": stack.secrets["POSTGRES_ADMIN_PASSWORD"],
        "application_name": name,
        "autocommit": True,
    }
    return lambda: LeasePool(connection, among=among, size=2, idle=60, wait=2)


def connected(stack: Stack, name: str) -> list[int]:
    """The server processes of PostgreSQL behind this test's connections, the oldest first."""
    with as_superuser(stack) as look:
        question = "SELECT pid FROM pg_stat_activity WHERE application_name = %s ORDER BY backend_start"
        return [row[0] for row in look.execute(question, (name,))]


async def pid(pool: LeasePool) -> int:
    connection = await pool.take()
    try:
        return connection.info.backend_pid
    finally:
        await pool.give_back(connection)


async def test_a_new_connection_closes_the_longest_unused_of_somebody_else(
    stack: Stack, name: str, make_pool: MakePool
) -> None:
    async with AsyncExitStack() as closing:
        people = [make_pool() for _ in range(5)]
        for pool in people:
            closing.push_async_callback(pool.close)
        first = [await pid(pool) for pool in people[:LIMIT]]
        assert await pid(people[0]) == first[0]
        fourth = await pid(people[3])
        assert connected(stack, name) == [first[0], first[2], fourth]
        assert await pid(people[1]) != first[1]
    assert connected(stack, name) == []


async def test_forty_people_at_once_never_hold_more_than_the_limit(
    stack: Stack, name: str, make_pool: MakePool
) -> None:
    highest = 0

    async def works(pool: LeasePool) -> None:
        nonlocal highest
        for attempt in range(100):
            try:
                connection = await pool.take()
            except BackendUnavailable:
                assert attempt < 99
                continue
            await connection.execute("SELECT 1")
            # The fewest of some looks: PostgreSQL shows a closed connection until it has read that it is closed.
            looks = [len(await asyncio.to_thread(connected, stack, name)) for _ in range(5)]
            highest = max(highest, min(looks))
            await pool.give_back(connection)
            return

    people = [make_pool() for _ in range(40)]
    await asyncio.gather(*(works(pool) for pool in people))
    assert 1 <= highest <= LIMIT
    await asyncio.gather(*(pool.close() for pool in people))
    assert connected(stack, name) == []


async def test_with_all_in_use_the_next_is_told_so_and_gets_one_once_it_is_given_back(make_pool: MakePool) -> None:
    people = [make_pool() for _ in range(LIMIT + 1)]
    taken = [await pool.take() for pool in people[:LIMIT]]
    with pytest.raises(BackendUnavailable, match="3 statements running"):
        await people[-1].take()
    waiting = asyncio.create_task(people[-1].take())
    await people[0].give_back(taken[0])
    await people[-1].give_back(await waiting)
    for pool, connection in zip(people[1:], taken[1:], strict=False):
        await pool.give_back(connection)
    for pool in people:
        await pool.close()
        with pytest.raises(LeaseGone):
            await pool.take()
