"""The signed-in person's login at Vault, without a server: shared, replaced, and ended with the session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.flow.details import sentence
from app.person_vault import PersonLogin, PersonVault
from app.sessions import Session
from app.texts import speaking
from fastmcp_vault import tracing
from fastmcp_vault.errors import VaultDenied
from fastmcp_vault.state import MemoryState
from fastmcp_vault.state.protocol import Principal
from fastmcp_vault.tracing import Recorder, Step
from tests.library.heart import TOKEN_LIFE, World, caller, clients, settle


@pytest.fixture
def world() -> World:
    found = World()
    found.person("alice", database=True)
    return found


@pytest.fixture
async def state(world: World) -> AsyncIterator[MemoryState]:
    async with MemoryState(clock=world.clock) as found:
        yield found


@pytest.fixture
async def vault(world: World, state: MemoryState) -> AsyncIterator[PersonVault]:
    async with clients(world, "mcp-demo-app") as (issuer, vault):
        found = PersonVault(keycloak=issuer, vault=vault, state=state, clock=world.clock)
        yield found
        await found.close()
    assert world.live() == [], "what is left ends when the app does"


def alice(world: World, sid: str = "s-1") -> Session:
    return cast(Session, SimpleNamespace(caller=caller(world, "sub-of-alice", sid=sid)))


async def itself(held: PersonLogin) -> PersonLogin:
    return held


async def test_pages_at_once_share_one_login_and_the_next_one_reuses_it(world: World, vault: PersonVault) -> None:
    recorder = Recorder("look")
    first, second = await asyncio.gather(*(vault.use(alice(world), itself) for _ in range(2)))
    with tracing.recording(recorder):
        assert await vault.use(alice(world), itself) is first is second
    kinds = ["person-exchange", "person-login", "person-entity"]
    assert [(step.kind, step.server, step.status) for step in recorder.trace.steps] == [
        (kind, "own", "reused") for kind in kinds
    ]
    assert len(world.tokens) == 1


async def test_each_step_of_the_login_is_told_in_the_reader_s_language(world: World, vault: PersonVault) -> None:
    recorder = Recorder("look")
    with tracing.recording(recorder):
        await vault.use(alice(world), itself)
    sent = [Step.model_validate_json(step.model_dump_json()) for step in recorder.trace.steps]
    assert [sentence(step) for step in sent] == [
        "mcp-demo-app traded alice's token for one that only Vault accepts.",
        "Vault logged alice in through mcp-demo-app.",
        "Vault takes alice for the entity alice.",
    ]
    with speaking("ko"):
        assert [sentence(step) for step in sent] == [
            "mcp-demo-app: alice 님의 토큰을 Vault만 받아들이는 토큰으로 교환했습니다.",
            "Vault가 mcp-demo-app을(를) 통해 alice 님을 로그인시켰습니다.",
            "Vault는 alice 님을 entity alice(으)로 봅니다.",
        ]


async def test_a_login_near_its_end_is_replaced_and_what_it_leaves_behind_is_revoked(
    world: World, vault: PersonVault, state: MemoryState
) -> None:
    first = await vault.use(alice(world), itself)
    await world.clock.forward(TOKEN_LIFE - 5)
    second = await vault.use(alice(world), itself)
    await settle()
    assert second is not first
    assert [token.accessor for token in world.live()] == [second.login.accessor]
    assert [token.accessor for token in await state.vault_tokens.all()] == [second.login.accessor]


async def test_one_that_vault_ended_meanwhile_is_made_anew_and_a_refusal_stays_one(
    world: World, vault: PersonVault
) -> None:
    first = await vault.use(alice(world), itself)
    world.tokens[first.login.token.get_secret_value()].revoked = True
    tried: list[PersonLogin] = []

    async def work(held: PersonLogin) -> None:
        tried.append(held)
        if held is first:
            raise VaultDenied("permission denied")

    await vault.use(alice(world), work)
    assert len(tried) == 2
    assert tried[1] is not first

    async def refused(_: PersonLogin) -> None:
        raise VaultDenied("permission denied")

    with pytest.raises(VaultDenied):
        await vault.use(alice(world), refused)
    assert len(world.tokens) == 2, "it lives: nothing is tried again"


async def test_a_revoked_database_user_is_still_shown_and_goes_with_the_session(
    world: World, vault: PersonVault, state: MemoryState
) -> None:
    first = await vault.use(alice(world), itself)
    await vault.make_user(first)
    made = first.user
    await vault.revoke(first)
    second = await vault.use(alice(world), itself)
    assert second.user is made
    assert not second.user_lives(world.clock.now)
    await state.end_session("s-1")
    await settle()
    assert world.live() == []
    assert (await vault.use(alice(world, "s-2"), itself)).user is None


@pytest.mark.parametrize("kind", ["person", "client"])
async def test_a_suspension_ends_the_login(world: World, vault: PersonVault, state: MemoryState, kind: Any) -> None:
    await vault.use(alice(world), itself)
    who = "sub-of-alice" if kind == "person" else "some-client"
    await state.suspend(Principal(kind, "http://issuer", who))
    await settle()
    assert world.live() == []
