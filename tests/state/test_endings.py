"""Ended is ended, however long ago; and an end locks nobody out who signs in again afterwards."""

from __future__ import annotations

import time

import pytest

from fastmcp_vault.errors import SessionEnded
from fastmcp_vault.state import State
from fastmcp_vault.state.endings import KEPT_SECONDS
from init.keycloak_realm import OFFLINE_SECONDS
from tests.state.conftest import Database
from tests.support.bearers import bearer
from tests.support.eventually import eventually

HOUR = 3600.0
DAY = 24 * HOUR


async def admitted(state: State, sid: str, auth_time: float) -> bool:
    """Whether a token of this session, of that sign-in, is let in."""
    try:
        await state.admit(bearer(sid, auth_time=auth_time), server="mcp-jira")
    except SessionEnded:
        return False
    return True


async def test_a_sign_in_after_the_end_is_let_in_under_the_same_session_id_and_the_one_before_is_not(
    database: Database,
) -> None:
    async with State(database.dsn) as here, State(database.dsn) as there:
        for state in (here, there):
            before = time.time()
            await state.end_session("s1", "alice")
            await eventually(lambda: here.ended("s1", before) and there.ended("s1", before))  # noqa: B023 - at once
            for one in (here, there):
                assert not await admitted(one, "s1", before)
                assert await admitted(one, "s1", time.time() + 1)
    async with State(database.dsn) as restarted:
        assert not await admitted(restarted, "s1", before)
        assert await admitted(restarted, "s1", time.time() + 1)


@pytest.mark.parametrize("ago", [11 * HOUR, 13 * HOUR, 2 * DAY, 60 * DAY])
async def test_ended_long_ago_is_ended(database: Database, ago: float) -> None:
    """An offline session lives for months, and takes the id of the session that it was made in."""
    async with State(database.dsn) as state:
        await state.end_session("s1", "alice")
        await database.run(
            "UPDATE ended_sessions SET ended_at = ended_at - make_interval(secs => %s),"
            " expires_at = expires_at - make_interval(secs => %s)",
            ago,
            ago,
        )
        await state.prune()
    async with State(database.dsn) as state:
        assert not await admitted(state, "s1", time.time() - ago - HOUR)
        assert await admitted(state, "s1", time.time() - ago + 60)
        assert await admitted(state, "s2", time.time() - ago - HOUR)


async def test_a_session_found_alive_is_still_heard_to_end(database: Database) -> None:
    long_ago = time.time() - 3 * DAY
    async with State(database.dsn) as state, State(database.dsn) as other:
        assert await admitted(state, "s1", long_ago)
        await other.end_session("s1", "alice")
        await eventually(lambda: state.ended("s1", long_ago))
        assert not await admitted(state, "s1", long_ago)


async def test_an_end_is_kept_for_longer_than_an_offline_session_lives(database: Database) -> None:
    async with State(database.dsn) as state:
        await state.end_session("s1", "alice")
    ((kept,),) = await database.run("SELECT extract(epoch FROM expires_at - ended_at)::float8 FROM ended_sessions")
    assert kept == pytest.approx(KEPT_SECONDS, abs=60)
    assert OFFLINE_SECONDS + DAY < KEPT_SECONDS
