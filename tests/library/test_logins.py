"""Logins of callers: for whoever keeps them, and for one action; each ends with what it was made for."""

from __future__ import annotations

import asyncio

import pytest

from fastmcp_vault.errors import PersonUnknown, SessionEnded
from tests.library.heart import Server, World, caller, settle


async def test_a_login_for_one_action_ends_with_it_however_that_ends(world: World, server: Server) -> None:
    alice = caller(world, "sub-of-alice")
    async with server.logins.for_one_action(alice) as (login, entity):
        assert entity.name == "alice"
        assert [token.accessor for token in world.live()] == [login.accessor]
    assert world.live() == []
    with pytest.raises(ValueError, match="the action failed"):
        async with server.logins.for_one_action(alice):
            raise ValueError("the action failed")
    assert world.live() == []

    async def act() -> None:
        async with server.logins.for_one_action(alice):
            await asyncio.Event().wait()

    acting = asyncio.create_task(act())
    await settle()
    assert len(world.live()) == 1
    acting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await acting
    await settle()
    assert world.live() == []
    assert await server.state.vault_tokens.all() == []


async def test_nobody_whom_vault_made_up_acts(world: World, server: Server) -> None:
    with pytest.raises(PersonUnknown):
        async with server.logins.for_one_action(caller(world, "sub-of-somebody")):
            pytest.fail("there is nothing to do for them")
    assert world.live() == []


async def test_a_login_that_nobody_keeps_is_revoked_and_one_that_is_kept_is_registered(
    world: World, server: Server
) -> None:
    alice = caller(world, "sub-of-alice")
    with pytest.raises(ValueError, match="not kept"):
        async with server.logins.made(alice):
            raise ValueError("not kept")
    await settle()
    assert (world.live(), await server.state.vault_tokens.all()) == ([], [])
    async with server.logins.made(alice) as (login, _):
        pass
    await settle()
    assert [token.accessor for token in await server.state.vault_tokens.all()] == [login.accessor]


async def test_who_signs_out_during_the_login_gets_none(world: World, server: Server) -> None:
    world.gates["auth/jwt/login"] = asyncio.Event()

    async def log_in() -> None:
        async with server.logins.made(caller(world, "sub-of-alice")):
            pytest.fail("the session is over")

    logging_in = asyncio.create_task(log_in())
    await settle()
    await server.state.end_session("s-1")
    world.gates.pop("auth/jwt/login").set()
    with pytest.raises(SessionEnded):
        await logging_in
    await settle()
    assert world.live() == []
