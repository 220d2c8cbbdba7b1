"""A refresh that survives races and crashes: one for all replicas, and no connection lost without a word."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx2
import pytest
from pydantic import SecretStr

from benchmarks.accounts import connect, provider_of, root
from fastmcp_vault.accounts.errors import ProviderUnavailable
from fastmcp_vault.errors import AccountEnded, VaultUnavailable
from fastmcp_vault.http import async_transport
from stack.layout import ROOT
from stack.testing import Stack
from tests.accounts.replicas import LATER, opens, replica
from tests.support.people import Person

PER_REPLICA = 34


async def test_of_three_replicas_and_a_hundred_callers_one_refreshes(stack: Stack, person: Person) -> None:
    before = await connect(stack, person)
    async with AsyncExitStack() as opened:
        replicas = [await opened.enter_async_context(replica(stack)) for _ in range(3)]
        _, first = await replicas[0].store.read(root(stack), person.username)
        kept = await asyncio.gather(
            *(one.refresher.usable(one.login, person.username) for one in replicas for _ in range(PER_REPLICA))
        )
        after, version = await replicas[0].store.read(root(stack), person.username)
    assert {one.version for one in kept} == {version} == {first + 1}, "written once"
    tokens = {one.grant.access_token.get_secret_value() for one in kept}
    assert tokens == {after.access_token.get_secret_value()} != {before.access_token.get_secret_value()}
    assert opens(stack, after)


async def test_what_a_refresh_replaced_is_destroyed(stack: Stack, person: Person) -> None:
    await connect(stack, person)
    async with replica(stack) as one:
        await one.refresher.usable(one.login, person.username)
        await one.refresher.close()
        versions = await one.store._vault.kv_versions(one.login.token, f"users/{person.username}/accounts/jira")
    assert [found.gone for found in versions] == [False] + [True] * (len(versions) - 1)


class Counted(httpx2.AsyncBaseTransport):
    """Keeps what was asked: method and path."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._inner = async_transport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def test_a_refresh_costs_a_call_one_trip_to_the_provider_and_two_to_vault(stack: Stack, person: Person) -> None:
    await connect(stack, person)
    own = f"/v1/secret/data/users/{person.username}/accounts/jira"
    now, later = Counted(), Counted()
    async with replica(stack, transport=now, clock=time.time) as one:
        await one.refresher.usable(one.login, person.username)
    assert now.asked == [f"GET {own}"]
    async with replica(stack, transport=later) as one:
        await one.refresher.usable(one.login, person.username)
        await one.refresher.close()
    assert later.asked[:4] == [f"GET {own}", f"GET {own}", "POST /oauth/token", f"POST {own}"]
    beside = [asked.partition("/v1/secret/")[2].partition("/")[0] for asked in later.asked[4:]]
    assert set(beside) <= {"metadata", "destroy"}, "what tidies up is beside the call"


POINTS = [(when, at) for at in range(1, 8) for when in ("before", "after")]
"""The seven requests of a refresh: two reads, the provider's token endpoint (the third), the write, and the tidying."""

LOST = {("after", 3), ("before", 4)}
"""Between the provider's rotation and our write: the one place where the person has to connect again."""


async def test_a_replica_killed_at_any_point_leaves_a_connection_that_works_or_says_that_it_ended(
    stack: Stack, new_person: Callable[[], Person]
) -> None:
    people = [new_person() for _ in POINTS]

    async def one(person: Person, when: str, at: int) -> None:
        await connect(stack, person)
        module = ("-m", "tests.accounts.doomed", str(stack.layout.state), person.username, when, str(at))
        process = await asyncio.create_subprocess_exec(sys.executable, *module, cwd=ROOT)
        assert await process.wait() == -9, "it was killed at that point"
        async with replica(stack, turn=1.5) as survivor:
            if (when, at) in LOST:
                with pytest.raises(AccountEnded):
                    await survivor.refresher.usable(survivor.login, person.username)
                grant, _ = await survivor.store.read(survivor.login, person.username)
                assert grant.ended
                assert not grant.access_token.get_secret_value(), "what works no more is not kept"
            else:
                kept = await survivor.refresher.usable(survivor.login, person.username)
                assert opens(stack, kept.grant)

    gate = asyncio.Semaphore(4)

    async def in_turn(person: Person, when: str, at: int) -> None:
        async with gate:
            await one(person, when, at)

    await asyncio.gather(*(in_turn(p, when, at) for p, (when, at) in zip(people, POINTS, strict=True)))


async def test_with_the_provider_down_the_old_token_is_used_until_it_ends(stack: Stack, person: Person) -> None:
    grant = await connect(stack, person)
    provider = provider_of(stack)
    assert provider.endpoints is not None
    nowhere = replace(provider, endpoints=replace(provider.endpoints, token="http://localhost:9/oauth/token"))
    async with replica(stack, provider=nowhere) as one:
        kept = await one.refresher.usable(one.login, person.username)
        assert kept.grant.access_token == grant.access_token
        assert kept.grant.refresh_at(time.time() + LATER) == kept.grant.expires_at, "used until it ends"
    async with replica(stack, provider=nowhere, clock=lambda: time.time() + 3599) as late:
        with pytest.raises(ProviderUnavailable):
            await late.refresher.usable(late.login, person.username)


async def test_new_tokens_that_vault_could_not_take_are_written_later_and_not_lost(
    stack: Stack, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect(stack, person)
    async with replica(stack) as one:
        write, failing = one.store.write, True

        async def unsure(*args: object, **more: object) -> int:
            if failing:
                raise VaultUnavailable("Vault is away.")
            return await write(*args, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(one.store, "write", unsure)
        with pytest.raises(VaultUnavailable):
            await one.refresher.usable(one.login, person.username)
        failing = False
        kept = await one.refresher.usable(one.login, person.username)
        assert kept.grant.refreshed_at
        assert opens(stack, kept.grant)


async def test_a_person_who_connects_anew_meanwhile_is_not_overwritten(stack: Stack, person: Person) -> None:
    await connect(stack, person)
    async with replica(stack) as one:
        refresh, again = one.client.refresh, []

        async def slow(token: SecretStr) -> object:
            made = await refresh(token)
            again.append(await connect(stack, person))
            return made

        one.client.refresh = slow  # type: ignore[method-assign, assignment]
        kept = await one.refresher.usable(one.login, person.username)
        assert kept.grant.access_token == again[0].access_token


async def test_a_stolen_refresh_token_used_a_second_time_ends_the_grant_and_the_person_is_told(
    stack: Stack, person: Person
) -> None:
    grant = await connect(stack, person)
    assert grant.refresh_token is not None
    async with replica(stack) as one:
        kept = await one.refresher.usable(one.login, person.username)
        assert opens(stack, kept.grant)
        with pytest.raises(Exception, match="refused"):
            await one.client.refresh(grant.refresh_token)
        assert not opens(stack, kept.grant), "whoever has the copy ends it for both"
        with pytest.raises(AccountEnded):
            await one.refresher.usable(one.login, person.username, refused=kept.version)
