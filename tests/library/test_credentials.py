"""A credential's life, without a server: when it is reused, asked about, renewed, fetched again and ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fastmcp_vault.credentials.grant import STALE_SECONDS
from fastmcp_vault.credentials.manager import AHEAD_AT_ONCE, SWEEP_SECONDS
from fastmcp_vault.errors import (
    CredentialMissing,
    KeycloakUnavailable,
    PersonUnknown,
    ServerSuspended,
    SessionEnded,
    VaultDenied,
    VaultUnavailable,
)
from fastmcp_vault.state import MemoryState
from fastmcp_vault.tracing import Recorder, recording
from tests.library.heart import LEASE_LIFE, TOKEN_LIFE, Server, World, call, caller, requests_of, serving, settle

HERS = {"email": "alice@example.com", "api_token": "the-token-of-alice"}
ONCE = {"/token": 1, "auth/jwt/login": 1, "identity/entity/id": 1, "secret/data/users/alice/jira": 1}


@pytest.fixture
def world() -> World:
    found = World()
    found.person("alice", secret=dict(HERS), database=True)
    found.person("bob")
    return found


@pytest.fixture
async def server(world: World) -> AsyncIterator[Server]:
    async with serving(world) as found:
        yield found


@pytest.fixture
async def database(world: World) -> AsyncIterator[Server]:
    async with serving(world, server="postgres", database=True) as found:
        yield found


async def test_the_first_call_does_each_step_once_and_the_second_none(world: World, server: Server) -> None:
    first = await server.get(call(world, "sub-of-alice"))
    assert first.fields["api_token"].get_secret_value() == HERS["api_token"]  # type: ignore[attr-defined]
    assert requests_of(world) == ONCE
    assert await server.get(call(world, "sub-of-alice")) is first
    assert requests_of(world) == ONCE


async def test_however_many_wait_they_share_one_login(world: World, server: Server) -> None:
    found = await asyncio.gather(*(server.get(call(world, "sub-of-alice")) for _ in range(50)))
    assert len(set(map(id, found))) == 1
    assert requests_of(world) == ONCE


async def test_before_the_bound_vault_is_asked_beside_the_call_and_at_the_bound_before_it(
    world: World, server: Server
) -> None:
    await server.get(call(world, "sub-of-alice"))
    world.clock.now += STALE_SECONDS / 2 - 0.01
    await server.get(call(world, "sub-of-alice"))
    await settle()
    assert world.count("secret/metadata") == 0
    world.clock.now += 0.02
    gate = world.gates["secret/metadata"] = asyncio.Event()
    await asyncio.wait_for(server.get(call(world, "sub-of-alice")), 1)
    gate.set()
    await settle()
    assert world.count("secret/metadata") == 1
    world.clock.now += STALE_SECONDS
    gate.clear()
    waiting = asyncio.create_task(server.get(call(world, "sub-of-alice")))
    await settle()
    assert not waiting.done(), "what was not confirmed within the bound is not used"
    gate.set()
    await waiting
    assert world.count("secret/data") == 1


async def test_a_changed_secret_is_read_anew_and_with_the_same_login(world: World, server: Server) -> None:
    await server.get(call(world, "sub-of-alice"))
    world.secrets["users/alice/jira"].append({**HERS, "api_token": "a-newer-one"})
    world.clock.now += STALE_SECONDS
    found = await server.get(call(world, "sub-of-alice"))
    assert found.fields["api_token"].get_secret_value() == "a-newer-one"  # type: ignore[attr-defined]
    assert found.version == 2
    assert world.count("auth/jwt/login") == 1


async def test_a_removed_secret_is_missed_at_the_bound_and_a_restored_one_used_at_once(
    world: World, server: Server
) -> None:
    await server.get(call(world, "sub-of-alice"))
    world.destroyed.add("users/alice/jira")
    world.clock.now += STALE_SECONDS
    with pytest.raises(CredentialMissing) as missing:
        await server.get(call(world, "sub-of-alice"))
    assert missing.value.detail["entity_id"] == "id-of-alice"
    world.destroyed.clear()
    assert (await server.get(call(world, "sub-of-alice"))).version == 1
    assert world.count("auth/jwt/login") == 1


async def test_who_has_no_credential_is_told_so_each_time_and_keeps_the_login(world: World, server: Server) -> None:
    for _ in range(2):
        with pytest.raises(CredentialMissing, match="bob has no Jira credential") as missing:
            await server.get(call(world, "sub-of-bob"))
        assert missing.value.detail["entity_id"] == "id-of-bob"
    assert world.count("auth/jwt/login") == 1
    world.secrets["users/bob/jira"] = [dict(HERS)]
    assert (await server.get(call(world, "sub-of-bob"))).version == 1


async def test_a_token_revoked_between_two_calls_is_noticed_within_the_bound(world: World, server: Server) -> None:
    await server.get(call(world, "sub-of-alice"))
    (token,) = world.live()
    token.revoked = True
    world.clock.now += STALE_SECONDS
    await server.get(call(world, "sub-of-alice"))
    assert world.count("auth/jwt/login") == 2
    assert len(world.live()) == 1


async def test_one_session_of_one_person_is_kept_from_the_next(world: World, server: Server) -> None:
    hers = await server.get(call(world, "sub-of-alice"))
    again = await server.get(call(world, "sub-of-alice", sid="s-2"))
    assert hers is not again
    assert {token.sid for token in world.live()} == {"s-1", "s-2"}
    await server.state.end_session("s-1")
    assert {token.sid for token in world.live()} == {"s-2"}


async def test_fresh_begins_anew_and_the_old_login_ends(world: World, server: Server) -> None:
    first = await server.get(call(world, "sub-of-alice"))
    second = await server.get(call(world, "sub-of-alice", fresh=True))
    await settle()
    assert second is not first
    assert len(world.live()) == 1


async def test_a_user_name_that_is_not_the_entity_s_reads_nothing_of_anybody_else(world: World, server: Server) -> None:
    world.person("carol", secret={"api_token": "of-carol"})
    world.usernames["sub-of-carol"] = "alice"
    found = await server.get(call(world, "sub-of-carol"))
    assert found.path == "secret/data/users/carol/jira"
    assert found.fields["api_token"].get_secret_value() == "of-carol"  # type: ignore[attr-defined]


async def test_somebody_whom_nobody_provisioned_gets_nothing(world: World, server: Server) -> None:
    with pytest.raises(PersonUnknown):
        await server.get(call(world, "sub-of-a-stranger"))


async def test_a_caller_who_leaves_spoils_nothing_for_the_others(world: World, server: Server) -> None:
    gate = world.gates["auth/jwt/login"] = asyncio.Event()
    first, second = (asyncio.create_task(server.get(call(world, "sub-of-alice"))) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    gate.set()
    assert (await second).version == 1
    assert requests_of(world) == ONCE


async def test_if_all_callers_leave_what_was_made_is_kept_for_the_next(world: World, server: Server) -> None:
    gate = world.gates["secret/data"] = asyncio.Event()
    waiting = [asyncio.create_task(server.get(call(world, "sub-of-alice"))) for _ in range(3)]
    await settle()
    for task in waiting:
        task.cancel()
    gate.set()
    await settle()
    await server.get(call(world, "sub-of-alice"))
    assert requests_of(world) == ONCE
    assert len(world.live()) == 1


@pytest.mark.parametrize("where", ["/token", "auth/jwt/login", "identity", "secret/data"])
async def test_a_sign_out_at_any_moment_of_a_first_call_leaves_no_token(
    world: World, server: Server, where: str
) -> None:
    gate = world.gates[where] = asyncio.Event()
    waiting = asyncio.create_task(server.get(call(world, "sub-of-alice")))
    await settle()
    await server.state.end_session("s-1")
    gate.set()
    with pytest.raises(SessionEnded):
        await waiting
    await settle()
    assert world.live() == []
    assert len(server.credentials) == 0


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


async def test_a_credential_in_use_is_not_ended_by_another_person_s_arrival(world: World) -> None:
    world.secrets["users/bob/jira"] = [dict(HERS)]
    async with serving(world, capacity=1) as server:
        async with server.credentials.use(call(world, "sub-of-alice")):
            await server.get(call(world, "sub-of-bob"))
            await settle()
            assert {token.entity for token in world.live()} == {"alice", "bob"}
        await settle()
        assert {token.entity for token in world.live()} == {"bob"}


async def test_a_person_has_a_token_for_each_server(world: World) -> None:
    state = MemoryState(clock=world.clock)
    async with serving(world, state=state) as jira, serving(world, server="other", state=state) as other:
        await asyncio.gather(jira.get(call(world, "sub-of-alice")), other.get(call(world, "sub-of-alice")))
        assert {token.server for token in world.live()} == {"mcp-jira", "mcp-other"}
        await state.end_session("s-1")
        assert world.live() == []


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


async def test_a_trace_has_the_steps_of_who_logs_in_and_reused_ones_for_who_waits(world: World, server: Server) -> None:
    async def traced() -> list[tuple[str, str]]:
        recorder = Recorder("test")
        with recording(recorder):
            await server.get(call(world, "sub-of-alice"))
        return [(step.kind, step.status) for step in recorder.trace.steps]

    kinds = ["token-exchange", "vault-login", "entity", "credential"]
    first, second = await asyncio.gather(traced(), traced())
    assert first == [(kind, "done") for kind in kinds]
    assert second == [(kind, "reused") for kind in kinds]


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
        for number in range(AHEAD_AT_ONCE * 3):
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


async def test_a_caller_is_told_apart_by_issuer_user_and_session_never_by_name(world: World) -> None:
    one, other = caller(world, "sub-of-alice"), caller(world, "sub-of-alice", sid="s-2")
    assert one.key("jira") != other.key("jira")
    assert "alice" not in one.key("jira")._replace(sub="").__repr__()
