"""A shared trace is seen by those who share the same call, until its end, and by nobody who reads the database."""

from __future__ import annotations

from cryptography.fernet import Fernet
from pydantic import SecretStr

from fastmcp_vault.state import State
from fastmcp_vault.state.shared_traces import OWN_LIMIT
from tests.state.conftest import Database


async def shares(state: State, name: str, *, call: str = "load:jira", lifetime: float = 60.0) -> None:
    await state.shared_traces.share(
        call, f"trace of {name}".encode(), sub=name, sid=f"s-{name}", username=name, lifetime=lifetime
    )


async def seen(state: State, name: str, *, call: str = "load:jira") -> list[tuple[str, bytes]]:
    return [(one.username, one.data) for one in await state.shared_traces.of_others(call, sub=name)]


async def test_only_who_shares_the_same_call_sees_anything_and_only_until_its_end(database: Database) -> None:
    async with State(database.dsn, session_keys=[SecretStr(Fernet.generate_key().decode())]) as state:
        await shares(state, "bob")
        assert await seen(state, "alice") == []
        await shares(state, "alice", call="load:github")
        assert await seen(state, "alice") == []
        await shares(state, "alice")
        assert await seen(state, "alice") == [("bob", b"trace of bob")]
        assert await seen(state, "bob") == [("alice", b"trace of alice")]

        await state.shared_traces.withdraw("bob")
        assert await seen(state, "alice") == []
        assert await seen(state, "bob") == []

        await shares(state, "bob")
        await shares(state, "bob", lifetime=-1)
        assert await seen(state, "alice") == []
        await shares(state, "bob")
        await state.end_session("s-bob", "bob")
        assert await seen(state, "alice") == []
        await shares(state, "bob")
        assert await seen(state, "alice") == [], "a session that has ended shares nothing any more"


async def test_who_shares_without_end_withdraws_their_own_oldest_and_nobody_else_s(database: Database) -> None:
    async with State(database.dsn, session_keys=[SecretStr(Fernet.generate_key().decode())]) as state:
        await shares(state, "bob")
        for number in range(OWN_LIMIT + 5):
            await shares(state, "alice", call=f"call {number}")
        assert await database.run("SELECT sub, count(*) FROM shared_traces GROUP BY sub ORDER BY sub") == [
            ("alice", OWN_LIMIT),
            ("bob", 1),
        ]
        await shares(state, "carol", call="call 0")
        assert await seen(state, "carol", call="call 0") == [], "alice's oldest"
        await shares(state, "carol", call=f"call {OWN_LIMIT + 4}")
        assert [name for name, _ in await seen(state, "carol", call=f"call {OWN_LIMIT + 4}")] == ["alice"]


async def test_what_is_shared_lies_encrypted_and_is_pruned(database: Database) -> None:
    async with State(database.dsn, session_keys=[SecretStr(Fernet.generate_key().decode())]) as state:
        await shares(state, "bob")
        ((stored,),) = await database.run("SELECT data FROM shared_traces")
        assert isinstance(stored, bytes)
        assert b"trace of" not in stored
        assert "trace of" not in repr(await state.shared_traces.of_others("load:jira", sub="bob"))
        await shares(state, "bob", lifetime=-1)
        assert await state.prune() == 1
