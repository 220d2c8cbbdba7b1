"""A sign-in under way: taken once, forgotten in time, unreadable in the database, never more than the bound."""

from __future__ import annotations

import asyncio

from cryptography.fernet import Fernet
from pydantic import SecretStr

from state import State
from tests.state.conftest import Database


def key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


async def test_of_many_who_ask_at_once_one_gets_it(database: Database) -> None:
    async with State(database.dsn, session_keys=[key()]) as state:
        await state.pending_logins.keep("id", b"verifier", lifetime=60)
        answers = await asyncio.gather(*(state.pending_logins.take("id") for _ in range(20)))
    assert sorted(answers, key=bool) == [None] * 19 + [b"verifier"]


async def test_after_its_time_it_is_gone_before_it_is_pruned(database: Database) -> None:
    async with State(database.dsn, session_keys=[key()]) as state:
        for login in ("taken", "pruned"):
            await state.pending_logins.keep(login, b"verifier", lifetime=-1)
        assert await state.pending_logins.take("taken") is None
        assert await state.prune() == 1


async def test_neither_the_id_nor_the_contents_stand_in_the_database_and_a_foreign_key_reads_nothing(
    database: Database,
) -> None:
    async with State(database.dsn, session_keys=[key()]) as state:
        await state.pending_logins.keep("the-cookie", b"the-verifier", lifetime=60)
    (row,) = await database.run("SELECT id_hash, data FROM pending_logins")
    for column in row:
        assert isinstance(column, bytes)
        assert b"the-" not in column
    async with State(database.dsn, session_keys=[key()]) as state:
        assert await state.pending_logins.take("the-cookie") is None


async def test_beyond_the_bound_the_oldest_is_forgotten(database: Database) -> None:
    async with State(database.dsn, session_keys=[key()]) as state:
        for number in range(5):
            await state.pending_logins.keep(str(number), b"verifier", lifetime=60, limit=3)
        assert [bool(await state.pending_logins.take(str(n))) for n in range(5)] == [False, False, True, True, True]
