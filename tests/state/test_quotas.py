"""Quotas over several replicas: never more than the limit, hardly a question, and nobody stopped by a count that is
away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from fastmcp_vault.errors import RateLimited
from fastmcp_vault.state import Principal, State
from fastmcp_vault.state.allowances import IDLE_SECONDS, Allowances, QuotaKey
from fastmcp_vault.state.protocol import Quota
from fastmcp_vault.state.quotas import QuotaPart, QuotaWish, UnusedPart
from tests.state.conftest import Database
from tests.support.eventually import eventually

ALICE = QuotaKey("person", "https://sso.example", "alice")
BOB = QuotaKey("person", "https://sso.example", "bob")
CLIENT = QuotaKey("client", "https://sso.example", "app")
MINUTE = 60.0


@asynccontextmanager
async def replicas(database: Database, count: int = 3) -> AsyncIterator[list[Allowances]]:
    async with AsyncExitStack() as stack:
        states = [await stack.enter_async_context(State(database.dsn)) for _ in range(count)]
        yield [await stack.enter_async_context(Allowances(state.quotas)) for state in states]


async def in_one_minute(database: Database, seconds: float) -> None:
    """Return when the database's minute lasts for so long."""
    ((left,),) = await database.run("SELECT 60 - extract(epoch FROM clock_timestamp())::numeric %% 60")
    if float(str(left)) < seconds:
        await asyncio.sleep(float(str(left)) + 0.1)


class Pace:
    """How many calls are under way at once, and how many were ever."""

    def __init__(self) -> None:
        self.now = self.most = self.done = self.refused = 0

    async def call(self, at: Allowances, quotas: dict[QuotaKey, Quota], *, lasts: float = 0.0) -> None:
        try:
            async with at.admitted(quotas):
                self.now += 1
                self.most = max(self.most, self.now)
                await asyncio.sleep(lasts)
                self.now -= 1
                self.done += 1
        except RateLimited:
            self.refused += 1


async def test_three_replicas_under_load_admit_exactly_as_many_as_the_minute_has(database: Database) -> None:
    async with replicas(database) as three:
        await in_one_minute(database, 12.0)
        pace, quotas = Pace(), {ALICE: Quota(200, 0), CLIENT: Quota(0, 0)}
        began = time.monotonic()
        while pace.done < 200 and time.monotonic() - began < 10:
            await asyncio.gather(*(pace.call(at, quotas) for at in three for _ in range(25)))
        assert pace.done == 200
        await asyncio.gather(*(pace.call(at, quotas) for at in three for _ in range(100)))
        assert pace.done == 200
        # Somebody else is not held up, and begins with a quota of their own.
        await three[0].admitted({BOB: Quota(200, 0), CLIENT: Quota(0, 0)}).__aenter__()
        with pytest.raises(RateLimited, match="200 calls within a minute") as refused:
            await three[1].admitted(quotas).__aenter__()
        assert 0 < refused.value.retry_after <= MINUTE + 1


async def test_never_more_at_once_than_the_limit_over_three_replicas_and_room_comes_back(database: Database) -> None:
    async with replicas(database) as three:
        pace, quotas = Pace(), {ALICE: Quota(0, 4)}
        for _ in range(10):
            await asyncio.gather(*(pace.call(at, quotas, lasts=0.02) for at in three for _ in range(10)))
        assert pace.most == 4
        assert pace.done >= 30
        for at in three:
            await at.return_idle(idle=0.0)
        alone = Pace()
        await eventually_all(alone, three[2], quotas, 4)


async def eventually_all(pace: Pace, at: Allowances, quotas: dict[QuotaKey, Quota], wanted: int) -> None:
    """One replica gets all the room that the others gave back."""
    async with asyncio.timeout(10):
        while pace.most < wanted:
            await asyncio.gather(*(pace.call(at, quotas, lasts=0.05) for _ in range(wanted)))


async def test_what_a_killed_replica_had_under_way_is_free_again(database: Database) -> None:
    async with State(database.dsn) as lives:
        killed = State(database.dsn)
        await killed.open()
        await Allowances(killed.quotas).admitted({ALICE: Quota(0, 1)}).__aenter__()
        survivor = Allowances(lives.quotas)
        with pytest.raises(RateLimited):
            await survivor.admitted({ALICE: Quota(0, 1)}).__aenter__()
        await killed.close()
        pace = Pace()
        async with asyncio.timeout(10):
            while not pace.done:
                await pace.call(survivor, {ALICE: Quota(0, 1)}, lasts=0.01)
                await asyncio.sleep(0.05)


async def test_a_count_that_is_away_stops_nobody_within_the_quota_and_nobody_gets_more_than_it_here(
    database: Database,
) -> None:
    async with State(database.dsn) as state, Allowances(state.quotas) as at:
        await database.shut()
        pace = Pace()
        for _ in range(8):
            await pace.call(at, {ALICE: Quota(5, 2)})
        assert (pace.done, pace.refused) == (5, 3)
        await database.unlock()


class Counted:
    """A count that notes how often it is asked, and gives the whole quota at once."""

    def __init__(self) -> None:
        self.asked: list[Sequence[QuotaWish]] = []
        self.back: list[UnusedPart] = []

    async def take(self, wishes: Sequence[QuotaWish]) -> dict[str, QuotaPart]:
        self.asked.append(wishes)
        return {wish.key: QuotaPart(min(wish.calls, 10), min(wish.slots, 2), 7, 10, 30.0) for wish in wishes}

    async def give_back(self, unused: Sequence[UnusedPart]) -> None:
        self.back += unused


async def test_calls_that_find_enough_here_ask_nobody_and_what_is_idle_goes_back() -> None:
    now, store = 100.0, Counted()
    at = Allowances(store, clock=lambda: now)
    for n in range(10):
        async with at.admitted({ALICE: Quota(100, 5)}) as left:
            assert (left[ALICE].left, left[ALICE].resets_in) == (99 - n, 30.0)
    assert len(store.asked) == 1
    async with at.admitted({ALICE: Quota(100, 5)}):
        pass
    assert len(store.asked) == 2
    await at.return_idle()
    assert store.back == [], "it was used just now"
    now += IDLE_SECONDS
    await at.return_idle()
    assert store.back == [UnusedPart(" ".join(ALICE), 7, 9, 2)]


async def test_an_administrator_s_quota_is_known_to_every_replica_and_goes_when_it_is_taken_back(
    database: Database,
) -> None:
    alice = Principal("person", "https://sso.example", "alice")
    async with State(database.dsn) as here, State(database.dsn) as there:
        assert there.quota(alice) is None
        await here.quotas.override(alice, Quota(10, 1), name="alice", by="charlie")
        await eventually(lambda: there.quota(alice) == Quota(10, 1))
        assert await there.quotas.overrides() == [("alice", alice, Quota(10, 1))]
        await here.quotas.override(alice, None, name="alice", by="charlie")
        await eventually(lambda: there.quota(alice) is None)
        rows = [row.said for row in await there.audit_rows.find(sub="alice")]
    assert [(said["deed"], said["by"], said["person"]) for said in rows] == [
        ("unlimited", "charlie", "alice"),
        ("limited", "charlie", "alice"),
    ]
    assert (rows[1]["per_minute"], rows[1]["at_once"]) == (10, 1)


async def test_the_turn_of_the_minute_stops_nobody() -> None:
    """An answer that was on its way when the minute ended is of no use any more; the next is of the next minute."""
    now = 100.0

    class Turning(Counted):
        async def take(self, wishes: Sequence[QuotaWish]) -> dict[str, QuotaPart]:
            nonlocal now
            self.asked.append(wishes)
            now += 0.1
            ends_in, window = (0.05, 7) if len(self.asked) < 3 else (60.0, 8)
            return {wish.key: QuotaPart(5, 0, window, 5, ends_in) for wish in wishes}

    store = Turning()
    at = Allowances(store, clock=lambda: now)
    async with at.admitted({ALICE: Quota(100, 0)}) as left:
        assert left[ALICE].left == 99
    assert len(store.asked) == 3


async def test_answers_that_all_come_too_late_stop_nobody() -> None:
    """A count that is busier than its minute lasts: each answer is of a minute that is over, and refuses nobody."""
    now = 100.0

    class Late(Counted):
        async def take(self, wishes: Sequence[QuotaWish]) -> dict[str, QuotaPart]:
            nonlocal now
            self.asked.append(wishes)
            now += 1.0
            return {wish.key: QuotaPart(0, min(wish.slots, 1), 7, 100, 0.5) for wish in wishes}

    store = Late()
    at = Allowances(store, clock=lambda: now)
    for _ in range(3):
        async with at.admitted({ALICE: Quota(100, 5), CLIENT: Quota(1000, 50)}):
            pass
    assert 3 < len(store.asked) < 20


async def test_room_that_is_asked_for_as_a_minute_ends_brings_the_next_one_s_calls_too() -> None:
    """The calls that are here end with their minute, which nobody knew when only room was asked for."""
    now = 100.0

    class Turning(Counted):
        async def take(self, wishes: Sequence[QuotaWish]) -> dict[str, QuotaPart]:
            self.asked.append(wishes)
            window = min(len(self.asked), 2)
            return {w.key: QuotaPart(min(w.calls, 10), min(w.slots, 1), window, 0, 60.0) for w in wishes}

    store, quotas = Turning(), {ALICE: Quota(100, 5)}
    at = Allowances(store, clock=lambda: now)
    async with at.admitted(quotas), at.admitted(quotas):
        pass
    assert [[(wish.calls > 0, wish.slots > 0) for wish in asked] for asked in store.asked] == [
        [(True, True)], [(False, True)], [(True, False)]
    ]  # fmt: skip


async def test_who_comes_with_the_minute_before_takes_from_the_one_that_has_begun(database: Database) -> None:
    """As after a wait for another replica across the turn, or a clock that was set back."""
    async with State(database.dsn) as state:
        at, quotas, pace = Allowances(state.quotas), {ALICE: Quota(8, 0)}, Pace()
        await pace.call(at, quotas)
        await database.run("UPDATE quota_windows SET window_at = window_at + 2")
        behind = Allowances(state.quotas)
        for _ in range(10):
            await pace.call(behind, quotas)
        assert pace.done == 8


async def test_a_crowd_that_arrives_at_one_moment_asks_a_few_times_and_each_is_admitted() -> None:
    """What all of them share, their client's quota, is not asked for by each; what one answer brings is not enough."""

    class Slow(Counted):
        async def take(self, wishes: Sequence[QuotaWish]) -> dict[str, QuotaPart]:
            self.asked.append(wishes)
            await asyncio.sleep(0)
            return {wish.key: QuotaPart(min(wish.calls, 64), 0, 7, 0, 30.0) for wish in wishes}

    store, pace = Slow(), Pace()
    at = Allowances(store)
    people = [QuotaKey("person", "https://sso.example", f"guest-{n}") for n in range(300)]
    await asyncio.gather(*(pace.call(at, {one: Quota(3000, 0), CLIENT: Quota(60_000, 0)}) for one in people))
    assert (pace.done, pace.refused) == (300, 0)
    assert len(store.asked) < 12


async def test_who_is_within_the_quota_is_never_refused_because_others_were_quicker() -> None:
    """Each answer brings room for one, and somebody else takes it, for longer than a call asks."""
    now, pace = 100.0, Pace()

    class Scarce(Counted):
        async def take(self, wishes: Sequence[QuotaWish]) -> dict[str, QuotaPart]:
            nonlocal now
            now += 0.3
            await asyncio.sleep(0)
            return {wish.key: QuotaPart(min(wish.calls, 1), 0, 7, 0, 30.0) for wish in wishes}

    at = Allowances(Scarce(), clock=lambda: now)
    await asyncio.gather(*(pace.call(at, {CLIENT: Quota(50, 0)}) for _ in range(20)))
    assert (pace.done, pace.refused) == (20, 0)


async def test_a_crowd_at_two_replicas_waits_for_moments_only(database: Database) -> None:
    async with replicas(database, 2) as both:
        await in_one_minute(database, 5.0)
        pace, began = Pace(), time.monotonic()
        people = [QuotaKey("person", "https://sso.example", f"guest-{n}") for n in range(100)]
        quotas = [{one: Quota(3000, 20), CLIENT: Quota(60_000, 500)} for one in people]
        await asyncio.gather(*(pace.call(both[n % 2], quota) for n, quota in enumerate(quotas)))
        assert (pace.done, pace.refused) == (100, 0)
        assert time.monotonic() - began < 1.5, "it is less than a call's patience, after which replicas count alone"


async def test_who_is_expected_finds_the_count_asked_and_a_call_waits_for_that_one_question() -> None:
    store = Counted()
    at, quotas = Allowances(store), {ALICE: Quota(100, 5)}
    at.expect(quotas)
    at.expect(quotas)
    await Pace().call(at, quotas)
    assert len(store.asked) == 1
    at.expect(quotas)
    await asyncio.sleep(0)
    assert len(store.asked) == 1, "there is enough here"
