"""What one process ends, every process refuses, within moments; what cannot be known is refused."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import pytest

from fastmcp_vault.errors import ServerSuspended, SessionEnded, StateUnavailable
from fastmcp_vault.state import RegisteredToken, State
from tests.state.conftest import SCHEMA, Database
from tests.support.bearers import bearer
from tests.support.eventually import eventually


async def test_a_session_ended_in_one_process_is_ended_in_another(database: Database) -> None:
    heard: list[str] = []

    async def react(sid: str) -> None:
        heard.append(sid)

    async with State(database.dsn) as here, State(database.dsn) as there:
        there.on_ended(react)
        there.check(bearer("s1"), server="mcp-jira")
        await here.end_session("s1", "alice's id")
        with pytest.raises(SessionEnded):
            here.check(bearer("s1"), server="mcp-jira")
        await eventually(lambda: there.ended("s1"))
        with pytest.raises(SessionEnded):
            there.check(bearer("s1"), server="mcp-jira")
        there.check(bearer("s2"), server="mcp-jira")
        await here.end_session("s1", "alice's id")
        await here.end_session("s3", "bob's id")
        await eventually(lambda: "s3" in heard)
    # Ended again, it is heard again: somebody may have signed in under that id in between.
    assert heard == ["s1", "s1", "s3"]


async def test_what_was_ended_before_a_process_began_is_refused_by_it(database: Database) -> None:
    async with State(database.dsn) as first:
        await first.end_session("s1", "alice's id")
        await first.suspend("mcp-github", reason="Under investigation")
    async with State(database.dsn) as second:
        assert second.ended("s1")
        with pytest.raises(ServerSuspended, match="Under investigation"):
            second.check(bearer("s2"), server="mcp-github")


async def test_what_was_ended_while_the_connection_was_away_is_not_missed(database: Database) -> None:
    heard: list[str] = []

    async def react(sid: str) -> None:
        heard.append(sid)

    async with State(database.dsn) as state:
        state.on_ended(react)
        await database.shut()
        await database.unlock()
        await database.run(
            "INSERT INTO ended_sessions (sid, sub, expires_at) VALUES ('s1', 'alice', now() + interval '1 hour')"
        )
        await eventually(lambda: heard == ["s1"])
        assert state.ended("s1")


async def test_with_the_state_unreachable_everything_is_refused_until_it_is_back(database: Database) -> None:
    async with State(database.dsn) as state:
        state.check(bearer("s1"), server="mcp-jira")
        await database.shut()
        asked = time.monotonic()
        with pytest.raises(StateUnavailable) as refused:
            await state.end_session("s1", "alice")
        assert time.monotonic() - asked < 20
        assert refused.value.retryable
        await eventually(lambda: not state.fresh())
        with pytest.raises(StateUnavailable):
            state.check(bearer("s1"), server="mcp-jira")
        await database.unlock()
        await eventually(state.fresh)
        state.check(bearer("s1"), server="mcp-jira")


async def test_a_process_that_starts_without_its_database_starts_refusing_and_recovers(database: Database) -> None:
    await database.shut()
    async with State(database.dsn) as state:
        with pytest.raises(StateUnavailable):
            state.check(bearer("s1"), server="mcp-jira")
        await database.unlock()
        await eventually(state.fresh)


async def test_suspending_and_resuming_reach_every_process(database: Database) -> None:
    heard: list[str] = []

    async def react(server: str) -> None:
        heard.append(server)

    async with State(database.dsn) as here, State(database.dsn) as there:
        there.on_suspended(react)
        await here.suspend("mcp-jira")
        await eventually(lambda: there.suspended("mcp-jira"))
        assert not there.suspended("mcp-github")
        await eventually(lambda: heard == ["mcp-jira"])
        await here.resume("mcp-jira")
        await eventually(lambda: not there.suspended("mcp-jira"))


async def test_a_reaction_that_fails_or_hangs_does_not_stop_the_listening(database: Database) -> None:
    hanging = asyncio.Event()

    async def react(sid: str) -> None:
        if sid == "s1":
            raise RuntimeError("not today")
        await hanging.wait()

    async with State(database.dsn) as state:
        state.on_ended(react)
        async with State(database.dsn) as other:
            await other.end_session("s1", "alice")
            await other.end_session("s2", "alice")
            await other.end_session("s3", "alice")
        await eventually(lambda: state.ended("s3"))
        assert state.fresh()
        hanging.set()


async def test_many_endings_at_once_all_arrive(database: Database) -> None:
    sids = [uuid4().hex for _ in range(300)]
    async with State(database.dsn) as here, State(database.dsn) as there:
        await asyncio.gather(*(here.end_session(sid, "somebody") for sid in sids))
        await eventually(lambda: all(there.ended(sid) for sid in sids))


async def test_a_registered_vault_token_is_found_by_session_and_by_server_until_it_is_gone(database: Database) -> None:
    end = time.time() + 900
    async with State(database.dsn) as state:
        mine = RegisteredToken("acc1", "mcp-jira", "alice", "s1", end)
        for token in (
            mine,
            RegisteredToken("acc2", "mcp-github", "bob", "s2", end),
            RegisteredToken("acc3", "mcp-jira", "alice", "s1", time.time() - 1),
        ):
            await state.vault_tokens.register(token)
        assert [t.accessor for t in await state.vault_tokens.of_session("s1")] == ["acc1"]
        assert [t.accessor for t in await state.vault_tokens.of_server("mcp-jira")] == ["acc1"]
        await state.vault_tokens.forget("acc1")
        await state.vault_tokens.forget("acc1")
        assert await state.vault_tokens.of_session("s1") == []


async def test_pruning_takes_what_has_expired_and_nothing_else(database: Database) -> None:
    async with State(database.dsn) as state:
        await state.end_session("old", "alice", keep=-1)
        await state.end_session("new", "alice")
        await state.vault_tokens.register(RegisteredToken("acc", "mcp-jira", "alice", "old", time.time() - 1))
        assert await state.prune() == 2
        assert await state.prune() == 0
    assert await database.run("SELECT sid FROM ended_sessions") == [("new",)]


async def test_applying_the_schema_again_changes_nothing(database: Database) -> None:
    async with State(database.dsn) as state:
        await state.end_session("s1", "alice")
        await database.run(SCHEMA.read_text())
        await state.end_session("s2", "alice")
    assert await database.run("SELECT sid FROM ended_sessions ORDER BY sid") == [("s1",), ("s2",)]


async def test_an_announcement_that_makes_no_sense_is_survived(database: Database) -> None:
    async with State(database.dsn) as here, State(database.dsn) as there:
        await database.run("NOTIFY mcp_state, 'nonsense'")
        await database.run("NOTIFY mcp_state, '[1]'")
        await here.end_session("s1", "alice")
        await eventually(lambda: there.ended("s1"))
        await eventually(there.fresh)


async def test_closing_ends_at_once_even_in_the_middle_of_news(database: Database) -> None:
    async with State(database.dsn) as teller:

        async def tell() -> None:
            for n in range(200):
                await teller.end_session(f"s{n}", "alice")

        telling = asyncio.create_task(tell())
        for _ in range(20):
            async with asyncio.timeout(15), State(database.dsn) as state:
                assert state.fresh()
        await telling
