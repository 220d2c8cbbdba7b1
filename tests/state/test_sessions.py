"""The app's sessions survive a restart, and whoever reads the database learns nothing from them."""

from __future__ import annotations

import asyncio
import time

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError
from fastmcp_vault.state import State
from tests.state.conftest import Database


def key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


async def test_a_session_survives_the_process_that_saved_it(database: Database) -> None:
    keys = [key()]
    async with State(database.dsn, session_keys=keys) as first:
        await first.sessions.save("cookie", b"alice's tokens", sid="s1", sub="alice", expires_at=time.time() + 60)
    async with State(database.dsn, session_keys=keys) as second:
        found = await second.sessions.load("cookie")
        assert found is not None
        assert (found.data, found.sid, found.sub) == (b"alice's tokens", "s1", "alice")
        assert await second.sessions.load("another cookie") is None
        await second.sessions.delete("cookie")
        assert await second.sessions.load("cookie") is None


async def test_neither_the_cookie_nor_the_contents_stand_in_the_database(database: Database) -> None:
    async with State(database.dsn, session_keys=[key()]) as state:
        await state.sessions.save("the-cookie", b"the-token", sid="s1", sub="alice", expires_at=time.time() + 60)
        rows = await database.run("SELECT id_hash, data FROM app_sessions")
        assert "the-token" not in repr(await state.sessions.load("the-cookie"))
    assert len(rows) == 1
    for column in rows[0]:
        assert isinstance(column, bytes)
        assert b"the-cookie" not in column
        assert b"the-token" not in column


async def test_an_expired_session_is_gone_before_it_is_pruned(database: Database) -> None:
    async with State(database.dsn, session_keys=[key()]) as state:
        await state.sessions.save("cookie", b"x", sid="s1", sub="alice", expires_at=time.time() - 1)
        assert await state.sessions.load("cookie") is None
        assert await state.prune() == 1


async def test_ending_the_keycloak_session_drops_every_browser_of_it(database: Database) -> None:
    async with State(database.dsn, session_keys=[key()]) as state:
        end = time.time() + 60
        await state.sessions.save("laptop", b"x", sid="s1", sub="alice", expires_at=end)
        await state.sessions.save("phone", b"x", sid="s1", sub="alice", expires_at=end)
        await state.sessions.save("bob's", b"x", sid="s2", sub="bob", expires_at=end)
        await state.end_session("s1", "alice")
        assert [await state.sessions.load(c) is not None for c in ("laptop", "phone", "bob's")] == [False, False, True]


async def test_keys_can_be_rotated_and_a_foreign_key_reads_nothing(database: Database) -> None:
    old, new = key(), key()
    async with State(database.dsn, session_keys=[old]) as state:
        await state.sessions.save("cookie", b"x", sid="s1", sub="alice", expires_at=time.time() + 60)
    async with State(database.dsn, session_keys=[new, old]) as state:
        assert await state.sessions.load("cookie") is not None
    async with State(database.dsn, session_keys=[new]) as state:
        assert await state.sessions.load("cookie") is None


async def test_a_save_replaces_and_many_at_once_are_fine(database: Database) -> None:
    async with State(database.dsn, session_keys=[key()]) as state:
        end = time.time() + 60
        await asyncio.gather(
            *(state.sessions.save("cookie", str(n).encode(), sid="s1", sub="alice", expires_at=end) for n in range(40))
        )
        await state.sessions.save("cookie", b"last", sid="s1", sub="alice", expires_at=end)
        found = await state.sessions.load("cookie")
    assert found is not None
    assert found.data == b"last"


def test_a_key_that_is_none_is_refused_without_being_quoted() -> None:
    with pytest.raises(ConfigError) as refused:
        State(SecretStr("postgresql://localhost/x"), session_keys=[SecretStr("hunter2")])
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_a_process_without_keys_keeps_no_sessions(database: Database) -> None:
    async with State(database.dsn) as state:
        with pytest.raises(RuntimeError):
            _ = state.sessions
