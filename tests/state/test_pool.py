"""Requests for the shared state after an outage: served within seconds of the return of the database."""

from __future__ import annotations

import ast
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from fastmcp_vault.errors import StateUnavailable
from fastmcp_vault.state import State
from services.biz_service.store import Commands
from tests.state.conftest import Database
from tests.support.eventually import eventually
from tests.support.tracked import tracked

ROOT = Path(__file__).resolve().parents[2]
POOLS = {"src/fastmcp_vault/state/pool.py", "src/fastmcp_vault/credentials/pools.py"}
"""Where this project may make a pool: each with a pause of its own choosing between attempts."""


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[tuple[State, Commands]]:
    keys = [SecretStr(Fernet.generate_key().decode())]
    async with State(database.dsn, session_keys=keys) as state, Commands(database.dsn) as commands:
        yield state, commands


async def ask(state: State, commands: Commands) -> None:
    await state.sessions.load("nobody")
    await commands.pending("nobody")


async def test_requests_are_served_within_seconds_of_the_database_s_return(database: Database) -> None:
    async with opened(database) as (state, commands):
        await ask(state, commands)
        assert await state.serves()
        assert await commands.answer()
        await database.shut()
        # Long enough for a pause that doubles to be far beyond what is allowed below.
        for _ in range(4):
            for one in (state.sessions.load("nobody"), commands.pending("nobody")):
                with pytest.raises(StateUnavailable):
                    await one
        await eventually(lambda: not state.fresh())
        assert not await state.serves()
        assert not await commands.answer()
        await database.unlock()
        back = time.monotonic()
        while True:
            try:
                await ask(state, commands)
                break
            except StateUnavailable:
                assert time.monotonic() - back < 6
        await eventually(state.fresh)
        assert await state.serves()


async def test_a_start_without_the_database_is_over_within_seconds_of_its_coming(database: Database) -> None:
    await database.shut()
    async with opened(database) as (state, commands):
        for _ in range(3):
            with pytest.raises(StateUnavailable):
                await ask(state, commands)
        assert not await state.serves()
        await database.unlock()
        back = time.monotonic()
        while not (await state.serves() and await commands.answer()):
            assert time.monotonic() - back < 10
            await asyncio.sleep(0.05)


async def test_connections_that_died_unnoticed_cost_no_request(database: Database) -> None:
    async with opened(database) as (state, commands):
        await ask(state, commands)
        assert await database.cut() >= 3
        await ask(state, commands)


async def test_health_looks_where_people_s_requests_look(database: Database) -> None:
    """The listening connection alone says nothing: the sessions' table must answer."""
    async with opened(database) as (state, _):
        await database.run("ALTER TABLE app_sessions RENAME TO moved")
        assert state.fresh()
        assert not await state.serves()
        await database.run("ALTER TABLE moved RENAME TO app_sessions")
        assert await state.serves()


def test_no_pool_is_made_anywhere_else() -> None:
    """A pool made with the library's own settings pauses up to 300 s between two attempts."""
    for path in tracked("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name in POOLS or name.split("/")[0] in ("tests", "benchmarks"):
            continue
        calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        made = [call for call in calls if ast.unparse(call.func).endswith("ConnectionPool")]
        assert not made, name
