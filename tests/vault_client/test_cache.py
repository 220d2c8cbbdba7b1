"""The cache keeps its promises: one flight, exact ends, every value released exactly once."""

from __future__ import annotations

import asyncio

import pytest

from fastmcp_vault.errors import SessionEnded, VaultDenied, VaultUnavailable
from fastmcp_vault.vault import Cache
from tests.vault_client.desk import Desk, Value, settle


async def test_a_value_is_made_once_and_reused_while_it_has_time_left() -> None:
    desk = Desk()
    first = await desk.get("alice", desk.maker("alice"))
    desk.now += 59.9
    assert await desk.get("alice", desk.maker("alice")) is first
    desk.now += 0.1
    second = await desk.get("alice", desk.maker("alice"))
    await settle()
    assert second is not first
    assert (first.releases, second.releases) == (1, 0)


async def test_however_many_wait_one_flight_is_made() -> None:
    desk = Desk()
    values = await asyncio.gather(*(desk.get("alice", desk.maker("alice")) for _ in range(100)))
    assert len(desk.made) == 1
    assert set(map(id, values)) == {id(desk.made[0])}


async def test_a_cancelled_waiter_does_not_cancel_the_flight() -> None:
    desk = Desk()
    gate = asyncio.Event()

    async def make() -> Value:
        await gate.wait()
        return await desk.maker("alice")()

    first = asyncio.create_task(desk.get("alice", make))
    second = asyncio.create_task(desk.get("alice", make))
    await settle()
    first.cancel()
    gate.set()
    assert (await second).key == "alice"
    assert len(desk.made) == 1


async def test_a_flight_nobody_waits_for_any_more_is_kept_for_the_next() -> None:
    desk = Desk()
    only = asyncio.create_task(desk.get("alice", desk.maker("alice")))
    await asyncio.sleep(0)
    only.cancel()
    await settle()
    assert desk.cache.peek("alice") is desk.made[0]


async def test_a_failure_reaches_every_waiter_and_is_not_kept() -> None:
    desk = Desk()

    async def make() -> Value:
        await asyncio.sleep(0)
        raise VaultUnavailable("Vault is down.")

    answers = await asyncio.gather(*(desk.get("alice", make) for _ in range(5)), return_exceptions=True)
    assert len({id(a) for a in answers}) == 1
    assert isinstance(answers[0], VaultUnavailable)
    assert (await desk.get("alice", desk.maker("alice"))).key == "alice"


async def test_a_drop_releases_what_is_there_and_what_is_on_its_way() -> None:
    desk = Desk()
    gate = asyncio.Event()

    async def make() -> Value:
        await gate.wait()
        return await desk.maker("alice/jira")()

    there = await desk.get("alice/github", desk.maker("alice/github"))
    other = await desk.get("bob/jira", desk.maker("bob/jira"))
    waiter = asyncio.create_task(desk.get("alice/jira", make))
    await settle()
    assert await desk.cache.drop(lambda key: key.startswith("alice/")) == 2
    assert there.releases == 1
    with pytest.raises(SessionEnded):
        await waiter
    gate.set()
    await settle()
    assert desk.made[-1].key == "alice/jira"
    assert desk.made[-1].releases == 1
    assert desk.cache.peek("alice/jira") is None
    assert other.releases == 0


async def test_a_drop_says_why_in_the_words_it_was_given() -> None:
    desk = Desk()
    waiter = asyncio.create_task(desk.get("alice", desk.maker("alice")))
    await asyncio.sleep(0)
    await desk.cache.drop(lambda _: True, because=VaultDenied("The entity is disabled."))
    with pytest.raises(VaultDenied):
        await waiter


async def test_what_is_borrowed_outlives_eviction_but_not_a_drop() -> None:
    desk = Desk(capacity=1)
    async with (
        desk.cache.borrow("alice", desk.maker("alice")) as alices,
        desk.cache.borrow("bob", desk.maker("bob")) as bobs,
    ):
        assert len(desk.cache) == 1
        assert alices.releases == 0
        await desk.cache.drop(lambda key: key == "alice")
        assert (alices.releases, bobs.releases) == (1, 0)
    await settle()
    assert (alices.releases, bobs.releases) == (1, 0)


async def test_a_fresh_value_takes_the_place_of_the_old_one() -> None:
    desk = Desk()
    async with desk.cache.borrow("alice", desk.maker("alice")) as old:
        new = await desk.get("alice", desk.maker("alice"), fresh=True)
        assert new is not old
        assert old.releases == 0
    await settle()
    assert old.releases == 1
    assert desk.cache.peek("alice") is new


async def test_a_value_that_renews_itself_stays() -> None:
    desk = Desk()
    value = await desk.get("alice", desk.maker("alice", lifetime=60))
    value.expires_at += 60
    desk.now += 100
    assert await desk.cache.sweep() == 0
    assert desk.cache.peek("alice") is value


async def test_closing_releases_everything_and_makes_nothing_more() -> None:
    desk = Desk()
    await desk.get("alice", desk.maker("alice"))
    late = asyncio.create_task(desk.get("bob", desk.maker("bob")))
    await asyncio.sleep(0)
    await desk.cache.close()
    with pytest.raises(SessionEnded):
        await late
    with pytest.raises(SessionEnded):
        await desk.get("charlie", desk.maker("charlie"))
    assert [v.releases for v in desk.made] == [1] * len(desk.made)


async def test_a_release_that_fails_is_said_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def release(_: Value) -> None:
        raise VaultUnavailable("Vault is down.")

    cache: Cache[str, Value] = Cache(capacity=1, expires_at=lambda v: v.expires_at, release=release, clock=lambda: 0.0)
    for name in ("alice", "bob"):
        async with cache.borrow(name, Desk().maker(name)):
            pass
    await cache.close()
    assert caplog.text.count("A cached value could not be released: Vault is down.") == 2
