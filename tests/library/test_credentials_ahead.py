"""Listing the tools begins what the first call will need, and weakens nothing."""

from __future__ import annotations

import asyncio

import pytest

from fastmcp_vault.credentials.manager import AHEAD_AT_ONCE, SWEEP_SECONDS
from fastmcp_vault.errors import (
    CredentialMissing,
    KeycloakUnavailable,
)
from fastmcp_vault.tracing import Recorder, recording
from tests.library.heart import (
    ONCE,
    Server,
    World,
    call,
    requests_of,
    settle,
)


class TestAheadOfTheCall:
    async def test_listing_tools_makes_the_first_call_a_warm_one(self, world: World, server: Server) -> None:
        server.credentials.fetch_ahead(call(world, "sub-of-alice"))
        await settle()
        assert requests_of(world) == ONCE
        recorder = Recorder("test")
        with recording(recorder):
            await server.get(call(world, "sub-of-alice"))
        assert requests_of(world) == ONCE
        assert {step.status for step in recorder.trace.steps} == {"reused"}
        assert recorder.trace.steps[0].detail["made_ahead"] is True

    async def test_a_database_user_s_first_connection_is_opened_too(self, world: World, database: Server) -> None:
        database.credentials.fetch_ahead(call(world, "sub-of-alice"))
        await settle()
        made = await database.get(call(world, "sub-of-alice"))
        assert [(pool.user, pool.opened) for pool in database.pools] == [(made.username, 1)]

    async def test_a_call_that_comes_meanwhile_shares_it(self, world: World, server: Server) -> None:
        gate = world.gates["auth/jwt/login"] = asyncio.Event()
        for _ in range(3):
            server.credentials.fetch_ahead(call(world, "sub-of-alice"))
        waiting = asyncio.create_task(server.get(call(world, "sub-of-alice")))
        await settle()
        gate.set()
        await waiting
        assert requests_of(world) == ONCE

    async def test_what_goes_wrong_is_told_by_the_call(self, world: World, server: Server) -> None:
        server.credentials.fetch_ahead(call(world, "sub-of-bob"))
        await settle()
        with pytest.raises(CredentialMissing):
            await server.get(call(world, "sub-of-bob"))
        assert world.count("auth/jwt/login") == 1
        world.away.add("issuer")
        server.credentials.fetch_ahead(call(world, "sub-of-alice"))
        await settle()
        with pytest.raises(KeycloakUnavailable):
            await server.get(call(world, "sub-of-alice"))

    @pytest.mark.parametrize("where", ["/token", "auth/jwt/login", "identity", "secret/data", ""])
    async def test_a_sign_out_between_listing_and_call_leaves_nothing(
        self, world: World, server: Server, where: str
    ) -> None:
        gate = asyncio.Event()
        if where:
            world.gates[where] = gate
        server.credentials.fetch_ahead(call(world, "sub-of-alice"))
        await settle()
        await server.state.end_session("s-1")
        gate.set()
        await settle()
        assert world.live() == []

    async def test_it_is_bounded_and_not_done_for_a_client_that_sees_traces(self, world: World, server: Server) -> None:
        server.credentials.fetch_ahead(call(world, "sub-of-alice", may_trace=True))
        await settle()
        assert world.asked == []
        gate = world.gates["/token"] = asyncio.Event()
        for _ in range(AHEAD_AT_ONCE):
            server.credentials.fetch_ahead(call(world, "sub-of-alice"))
        for number in range(2, AHEAD_AT_ONCE * 3):
            server.credentials.fetch_ahead(call(world, "sub-of-alice", sid=f"s-{number}"))
        await settle()
        gate.set()
        await settle()
        assert len(world.live()) == AHEAD_AT_ONCE

    async def test_who_only_lists_holds_it_no_longer_than_anybody(self, world: World, server: Server) -> None:
        server.credentials.fetch_ahead(call(world, "sub-of-alice", lives=300))
        await settle()
        await world.clock.forward(300 + SWEEP_SECONDS)
        assert (world.live(), len(server.credentials)) == ([], 0)
