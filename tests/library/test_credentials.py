"""Which credential a call gets, without a server: fetched once, reused, asked about, fetched again."""

from __future__ import annotations

import asyncio

import pytest

from fastmcp_vault.credentials.grant import STALE_SECONDS
from fastmcp_vault.errors import (
    CredentialMissing,
    PersonUnknown,
    SessionEnded,
)
from fastmcp_vault.state import MemoryState
from fastmcp_vault.tracing import Recorder, recording
from tests.library.heart import (
    HERS,
    ONCE,
    Server,
    World,
    call,
    caller,
    requests_of,
    serving,
    settle,
)


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


async def test_a_caller_is_told_apart_by_issuer_user_and_session_never_by_name(world: World) -> None:
    one, other = caller(world, "sub-of-alice"), caller(world, "sub-of-alice", sid="s-2")
    assert one.key("jira") != other.key("jira")
    assert "alice" not in one.key("jira")._replace(sub="").__repr__()
