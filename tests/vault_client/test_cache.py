"""The cache keeps its promises: one flight, exact ends, every value released exactly once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common.errors import SessionEnded, VaultDenied, VaultUnavailable
from vault_client import Cache


@dataclass(eq=False)
class Value:
    """Something that must be released once, and not be handed out afterwards."""

    key: str
    expires_at: float
    releases: int = 0


@dataclass
class Desk:
    """A cache under test, its clock, and everything made for it."""

    capacity: int = 3
    now: float = 1000.0
    made: list[Value] = field(default_factory=list)
    cache: Cache[str, Value] = field(init=False)

    def __post_init__(self) -> None:
        self.cache = Cache(
            capacity=self.capacity, expires_at=lambda v: v.expires_at, release=self.release, clock=lambda: self.now
        )

    async def release(self, value: Value) -> None:
        await asyncio.sleep(0)
        value.releases += 1

    def maker(self, key: str, *, lifetime: float = 60.0) -> Callable[[], Awaitable[Value]]:
        async def make() -> Value:
            await asyncio.sleep(0)
            self.made.append(Value(key, self.now + lifetime))
            return self.made[-1]

        return make


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_value_is_made_once_and_reused_while_it_has_time_left() -> None:
    desk = Desk()
    first = await desk.cache.get("alice", desk.maker("alice"))
    desk.now += 59.9
    assert await desk.cache.get("alice", desk.maker("alice")) is first
    desk.now += 0.1
    second = await desk.cache.get("alice", desk.maker("alice"))
    await settle()
    assert second is not first
    assert (first.releases, second.releases) == (1, 0)


async def test_however_many_wait_one_flight_is_made() -> None:
    desk = Desk()
    values = await asyncio.gather(*(desk.cache.get("alice", desk.maker("alice")) for _ in range(100)))
    assert len(desk.made) == 1
    assert set(map(id, values)) == {id(desk.made[0])}
    assert (desk.cache.statistics.misses, desk.cache.statistics.joined) == (1, 99)


async def test_a_cancelled_waiter_does_not_cancel_the_flight() -> None:
    desk = Desk()
    gate = asyncio.Event()

    async def make() -> Value:
        await gate.wait()
        return await desk.maker("alice")()

    first = asyncio.create_task(desk.cache.get("alice", make))
    second = asyncio.create_task(desk.cache.get("alice", make))
    await settle()
    first.cancel()
    gate.set()
    assert (await second).key == "alice"
    assert len(desk.made) == 1


async def test_a_flight_nobody_waits_for_any_more_is_kept_for_the_next() -> None:
    desk = Desk()
    only = asyncio.create_task(desk.cache.get("alice", desk.maker("alice")))
    await asyncio.sleep(0)
    only.cancel()
    await settle()
    assert desk.cache.peek("alice") is desk.made[0]


async def test_a_failure_reaches_every_waiter_and_is_not_kept() -> None:
    desk = Desk()

    async def make() -> Value:
        await asyncio.sleep(0)
        raise VaultUnavailable("Vault is down.")

    answers = await asyncio.gather(*(desk.cache.get("alice", make) for _ in range(5)), return_exceptions=True)
    assert len({id(a) for a in answers}) == 1
    assert isinstance(answers[0], VaultUnavailable)
    assert (await desk.cache.get("alice", desk.maker("alice"))).key == "alice"


async def test_a_drop_releases_what_is_there_and_what_is_on_its_way() -> None:
    desk = Desk()
    gate = asyncio.Event()

    async def make() -> Value:
        await gate.wait()
        return await desk.maker("alice/jira")()

    there = await desk.cache.get("alice/github", desk.maker("alice/github"))
    other = await desk.cache.get("bob/jira", desk.maker("bob/jira"))
    waiter = asyncio.create_task(desk.cache.get("alice/jira", make))
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
    waiter = asyncio.create_task(desk.cache.get("alice", desk.maker("alice")))
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
        new = await desk.cache.get("alice", desk.maker("alice"), fresh=True)
        assert new is not old
        assert old.releases == 0
    await settle()
    assert old.releases == 1
    assert desk.cache.peek("alice") is new


async def test_a_value_that_renews_itself_stays() -> None:
    desk = Desk()
    value = await desk.cache.get("alice", desk.maker("alice", lifetime=60))
    value.expires_at += 60
    desk.now += 100
    assert await desk.cache.sweep() == 0
    assert desk.cache.peek("alice") is value


async def test_closing_releases_everything_and_makes_nothing_more() -> None:
    desk = Desk()
    await desk.cache.get("alice", desk.maker("alice"))
    late = asyncio.create_task(desk.cache.get("bob", desk.maker("bob")))
    await asyncio.sleep(0)
    await desk.cache.close()
    with pytest.raises(SessionEnded):
        await late
    with pytest.raises(SessionEnded):
        await desk.cache.get("charlie", desk.maker("charlie"))
    assert [v.releases for v in desk.made] == [1] * len(desk.made)


async def test_a_release_that_fails_is_counted_and_hurts_nobody() -> None:
    async def release(_: Value) -> None:
        raise VaultUnavailable("Vault is down.")

    cache: Cache[str, Value] = Cache(capacity=1, expires_at=lambda v: v.expires_at, release=release, clock=lambda: 0.0)
    await cache.get("alice", Desk().maker("alice"))
    await cache.get("bob", Desk().maker("bob"))
    await cache.close()
    assert (cache.statistics.released, cache.statistics.release_failures) == (2, 2)


async def test_many_tasks_whose_making_takes_threads_see_only_their_own_and_leak_nothing() -> None:
    desk = Desk(capacity=8)
    chance = random.Random(7)
    keys = [f"user{n}" for n in range(24)]

    async def make(key: str) -> Value:
        await asyncio.to_thread(time.sleep, chance.random() / 500)
        if chance.random() < 0.1:
            raise VaultUnavailable("Vault is down.")
        return await desk.maker(key)()

    async def caller() -> None:
        for _ in range(40):
            key = chance.choice(keys)
            try:
                async with asyncio.timeout(chance.choice([0.001, 10])):
                    async with desk.cache.borrow(key, lambda key=key: make(key)) as value:  # type: ignore[misc]
                        assert value.key == key
                        await asyncio.sleep(0)
            except (VaultUnavailable, SessionEnded, TimeoutError):
                continue

    async def trouble() -> None:
        for _ in range(100):
            await asyncio.sleep(0.002)
            desk.now += 1.0
            await desk.cache.sweep()
            gone = chance.choice(keys)
            await desk.cache.drop(lambda key, gone=gone: key == gone)  # type: ignore[misc]

    await asyncio.gather(*(caller() for _ in range(50)), trouble())
    await desk.cache.close()
    assert desk.made
    assert {v.releases for v in desk.made} == {1}
    assert desk.cache.statistics.released == len(desk.made)


KEYS = st.sampled_from(["alice", "bob", "charlie", "dora"])


class CacheMachine(RuleBasedStateMachine):
    """Any order of asking, landing, failing, cancelling, expiring, dropping: the promises hold at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.desk = Desk(capacity=2)
        self.gates: list[tuple[str, asyncio.Future[float]]] = []
        self.waiters: list[asyncio.Task[None]] = []
        self.held: list[tuple[Value, asyncio.Event]] = []
        self.dropped: set[int] = set()
        self.dropped_keys: set[str] = set()
        self.faults: list[str] = []

    def spin(self) -> None:
        self.loop.run_until_complete(settle())

    async def call(self, key: str, hold: bool) -> None:
        async def make() -> Value:
            gate: asyncio.Future[float] = self.loop.create_future()
            self.gates.append((key, gate))
            lifetime = await gate
            self.desk.made.append(Value(key, self.desk.now + lifetime))
            return self.desk.made[-1]

        try:
            async with self.desk.cache.borrow(key, make) as value:
                if value.key != key:
                    self.faults.append(f"{key} got {value.key}'s")
                if value.releases:
                    self.faults.append("a released value was handed out")
                if hold:
                    until = asyncio.Event()
                    self.held.append((value, until))
                    await until.wait()
        except (VaultUnavailable, SessionEnded):
            return

    @rule(key=KEYS, hold=st.booleans())
    def ask(self, key: str, hold: bool) -> None:
        flying = [k for k, gate in self.gates if not gate.done()]
        live = self.desk.cache.peek(key)
        before = len(self.gates)
        self.waiters.append(self.loop.create_task(self.call(key, hold)))
        self.spin()
        if live is not None:
            assert len(self.gates) == before, "made although one was live"
        if len(self.gates) > before and key in flying:
            assert key in self.dropped_keys, "two flights for one key"
        self.dropped_keys.discard(key)

    @precondition(lambda self: any(not gate.done() for _, gate in self.gates))
    @rule(which=st.integers(0, 9), lifetime=st.floats(0.0, 50.0), fails=st.booleans())
    def land(self, which: int, lifetime: float, fails: bool) -> None:
        open_gates = [gate for _, gate in self.gates if not gate.done()]
        gate = open_gates[which % len(open_gates)]
        if fails:
            gate.set_exception(VaultUnavailable("Vault is down."))
        else:
            gate.set_result(lifetime)
        self.spin()

    @precondition(lambda self: self.waiters)
    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        self.waiters[which % len(self.waiters)].cancel()
        self.spin()

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 9))
    def give_back(self, which: int) -> None:
        self.held.pop(which % len(self.held))[1].set()
        self.spin()

    @rule(seconds=st.floats(0.1, 40.0))
    def time_passes(self, seconds: float) -> None:
        self.desk.now += seconds

    @rule()
    def sweep(self) -> None:
        self.loop.run_until_complete(self.desk.cache.sweep())

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        mine = [v for v in self.desk.made if v.key == key]
        self.loop.run_until_complete(self.desk.cache.drop(lambda k: k == key))
        self.spin()
        self.dropped_keys.add(key)
        assert all(v.releases == 1 for v in mine), "a dropped value is still alive"
        self.dropped.update(id(v) for v in mine)

    @invariant()
    def promises(self) -> None:
        assert not self.faults
        assert len(self.desk.cache) <= 2
        assert all(v.releases <= 1 for v in self.desk.made)
        borrowed = [
            v for v, until in self.held if not until.is_set() and id(v) not in self.dropped and self._still_held(until)
        ]
        assert all(v.releases == 0 for v in borrowed), "released while borrowed"

    def _still_held(self, until: asyncio.Event) -> bool:
        return bool(until._waiters)

    def teardown(self) -> None:
        for _, gate in self.gates:
            if not gate.done():
                gate.set_result(1.0)
        self.spin()
        for _, until in self.held:
            until.set()
        self.spin()
        self.loop.run_until_complete(self.desk.cache.close())
        self.spin()
        assert all(v.releases == 1 for v in self.desk.made), "a value was never released"
        assert all(w.done() for w in self.waiters)
        self.loop.close()


CacheMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_any_order_of_events_keeps_the_promises = CacheMachine.TestCase
