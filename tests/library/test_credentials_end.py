"""What ends a credential, and what keeps it alive: sign-outs, outages, renewals, the end of the server."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from fastmcp_vault.credentials.grant import STALE_SECONDS
from fastmcp_vault.credentials.manager import SWEEP_SECONDS
from fastmcp_vault.errors import (
    AccessSuspended,
    KeycloakUnavailable,
    ServerSuspended,
    SessionEnded,
    VaultDenied,
    VaultUnavailable,
)
from fastmcp_vault.state import Principal
from tests.library.heart import (
    HERS,
    LEASE_LIFE,
    TOKEN_LIFE,
    Server,
    World,
    call,
    serving,
    settle,
)


async def test_a_sign_out_while_a_credential_is_read_again_gives_nothing(world: World, server: Server) -> None:
    await server.get(call(world, "sub-of-alice"))
    world.secrets["users/alice/jira"].append({**HERS, "api_token": "a-newer-one"})
    world.clock.now += STALE_SECONDS
    gate = world.gates["secret/data"] = asyncio.Event()
    waiting = asyncio.create_task(server.get(call(world, "sub-of-alice")))
    await settle()
    await server.state.end_session("s-1")
    gate.set()
    with pytest.raises((SessionEnded, VaultDenied)):
        await waiting
    assert world.live() == []


async def test_what_was_read_is_not_given_once_the_session_is_being_ended(world: World, server: Server) -> None:
    await server.get(call(world, "sub-of-alice"))
    world.secrets["users/alice/jira"].append({**HERS, "api_token": "a-newer-one"})
    world.clock.now += STALE_SECONDS
    reading = world.gates["secret/data"] = asyncio.Event()
    revoking = world.gates["auth/token/revoke"] = asyncio.Event()
    waiting = asyncio.create_task(server.get(call(world, "sub-of-alice")))
    await settle()
    ending = asyncio.create_task(server.state.end_session("s-1"))
    await settle()
    reading.set()
    with pytest.raises(SessionEnded):
        await waiting
    revoking.set()
    await ending
    assert world.live() == []


async def test_a_suspension_ends_everybody_s_and_lets_nobody_in(world: World, server: Server) -> None:
    world.secrets["users/bob/jira"] = [dict(HERS)]
    await asyncio.gather(*(server.get(call(world, sub)) for sub in ("sub-of-alice", "sub-of-bob")))
    await server.state.suspend("mcp-jira", reason="a test")
    assert world.live() == []
    with pytest.raises(ServerSuspended):
        await server.get(call(world, "sub-of-alice"))
    await settle()
    assert world.live() == []
    await server.state.resume("mcp-jira")
    await server.get(call(world, "sub-of-alice"))


@pytest.mark.parametrize("kind", ["person", "client"])
async def test_a_suspended_person_s_and_a_suspended_client_s_are_ended_and_nobody_else_s(
    world: World, server: Server, kind: Literal["person", "client"]
) -> None:
    world.secrets["users/bob/jira"] = [dict(HERS)]
    hers, his = call(world, "sub-of-alice"), call(world, "sub-of-bob")
    his.caller.claims = his.caller.claims.model_copy(update={"azp": "inspector"})
    await asyncio.gather(server.get(hers), server.get(his))
    stopped, goes_on = (hers, his) if kind == "person" else (his, hers)
    claims = stopped.caller.claims
    principal = Principal(kind, claims.iss, claims.sub if kind == "person" else claims.azp)
    await server.state.suspend(principal, reason="a test")
    assert len(world.live()) == 1
    with pytest.raises(AccessSuspended, match="a test"):
        await server.get(stopped)
    await settle()
    assert len(world.live()) == 1
    assert await server.get(goes_on)
    await server.state.resume(principal)
    await server.get(stopped)


async def test_while_vault_is_away_what_is_held_goes_on_and_nothing_new_is_given(world: World, server: Server) -> None:
    held = await server.get(call(world, "sub-of-alice"))
    world.away.add("vault")
    for _ in range(3):
        world.clock.now += STALE_SECONDS
        assert await server.get(call(world, "sub-of-alice")) is held
    with pytest.raises(VaultUnavailable):
        await server.get(call(world, "sub-of-bob"))
    world.clock.now += TOKEN_LIFE
    with pytest.raises(VaultUnavailable):
        await server.get(call(world, "sub-of-alice"))


async def test_while_the_issuer_is_away_what_is_held_goes_on(world: World, server: Server) -> None:
    held = await server.get(call(world, "sub-of-alice"))
    world.away.add("issuer")
    world.clock.now += STALE_SECONDS
    assert await server.get(call(world, "sub-of-alice")) is held
    with pytest.raises(KeycloakUnavailable):
        await server.get(call(world, "sub-of-bob"))


async def test_a_session_that_the_issuer_has_ended_gets_no_login(world: World, server: Server) -> None:
    world.ended.add("s-1")
    with pytest.raises(SessionEnded):
        await server.get(call(world, "sub-of-alice"))
    assert world.count("auth/jwt/login") == 0


async def test_nothing_outlives_the_caller_s_own_token(world: World, server: Server) -> None:
    await server.get(call(world, "sub-of-alice", lives=60))
    world.clock.now += 60
    await server.get(call(world, "sub-of-alice", lives=60))
    assert world.count("auth/jwt/login") == 2


async def test_a_newer_token_of_the_same_session_keeps_what_is_held(world: World, server: Server) -> None:
    held = await server.get(call(world, "sub-of-alice", lives=60))
    world.clock.now += 50
    await server.get(call(world, "sub-of-alice", lives=60))
    world.clock.now += 50
    assert await server.get(call(world, "sub-of-alice", lives=60)) is held


async def test_the_login_is_renewed_while_the_session_lives_and_an_hour_at_most(world: World, server: Server) -> None:
    held = await server.get(call(world, "sub-of-alice"))
    for _ in range(50):
        await world.clock.forward(60)
        assert await server.get(call(world, "sub-of-alice")) is held
    assert world.count("auth/token/renew-self") >= 4
    await world.clock.forward(900)
    again = await server.get(call(world, "sub-of-alice"))
    assert again is not held
    assert len(world.live()) == 1


async def test_a_renewal_that_vault_does_not_answer_is_tried_again(world: World, server: Server) -> None:
    await server.get(call(world, "sub-of-alice"))
    await world.clock.forward(TOKEN_LIFE * 2 / 3 - SWEEP_SECONDS)
    world.away.add("vault")
    await world.clock.forward(SWEEP_SECONDS * 2)
    world.away.clear()
    await world.clock.forward(TOKEN_LIFE / 4)
    (token,) = world.live()
    assert token.expires_at > token.made_at + TOKEN_LIFE, "renewed once Vault was back"


async def test_a_database_user_is_made_once_renewed_and_dropped_with_the_login(world: World, database: Server) -> None:
    made = await database.get(call(world, "sub-of-alice"))
    assert made.username == world.users[0].name
    for _ in range(20):
        await world.clock.forward(60)
        assert (await database.get(call(world, "sub-of-alice"))).username == made.username
    assert world.count("sys/leases/renew") >= 2
    assert world.users[0].expires_at > world.users[0].made_at + LEASE_LIFE
    await database.state.end_session("s-1")
    await settle()
    assert (world.live(), [pool.closed for pool in database.pools]) == ([], [True])


async def test_a_database_user_whose_lease_is_over_is_not_used(world: World, database: Server) -> None:
    first = await database.get(call(world, "sub-of-alice"))
    world.clock.now += LEASE_LIFE
    second = await database.get(call(world, "sub-of-alice"))
    await settle()
    assert second.username != first.username
    assert [pool.closed for pool in database.pools] == [True, False]
    assert world.count("auth/jwt/login") == 1


async def test_one_that_turned_out_not_to_work_is_replaced(world: World, database: Server) -> None:
    async with database.credentials.use(call(world, "sub-of-alice")) as held:
        database.credentials.replace(held)
    again = await database.get(call(world, "sub-of-alice"))
    await settle()
    assert again.username != held.credential.username
    assert len(world.live()) == 1


async def test_a_shutdown_revokes_everything_also_what_is_being_made(world: World) -> None:
    world.secrets["users/bob/jira"] = [dict(HERS)]
    async with serving(world) as server:
        await server.get(call(world, "sub-of-alice"))
        gate = world.gates["secret/data/users/bob"] = asyncio.Event()
        waiting = asyncio.create_task(server.get(call(world, "sub-of-bob")))
        await settle()
        gate.set()
    assert world.live() == []
    assert await server.state.vault_tokens.all() == []
    with pytest.raises(SessionEnded):
        await waiting


async def test_a_token_that_could_not_be_revoked_is_owed_and_revoked_later(world: World, server: Server) -> None:
    await server.get(call(world, "sub-of-alice"))
    world.away.add("vault")
    await server.state.end_session("s-1")
    assert (len(world.live()), server.logins.owed) == (1, 1)
    world.away.clear()
    await world.clock.forward(SWEEP_SECONDS * 13)
    assert (world.live(), server.logins.owed) == ([], 0)


async def test_a_shutdown_just_after_an_outage_revokes_all_of_it(world: World) -> None:
    async with serving(world) as server:
        await asyncio.gather(*(server.get(call(world, "sub-of-alice", sid=f"s-{n}")) for n in range(3)))
        world.away.add("vault")
        for _ in range(3):
            with pytest.raises(VaultUnavailable):
                await server.get(call(world, "sub-of-bob"))
        world.away.clear()
        world.clock.now += 60
    assert world.live() == []


async def test_every_live_token_is_in_the_shared_state(world: World, server: Server) -> None:
    await asyncio.gather(*(server.get(call(world, "sub-of-alice", sid=f"s-{n}")) for n in range(5)))
    await settle()
    registered = {token.accessor for token in await server.state.vault_tokens.all()}
    assert registered == {token.accessor for token in world.live()}
