"""The cache under many tasks, threads and any order of events: nobody gets another's value, none is released twice."""

from __future__ import annotations

import asyncio
import random
import time

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fastmcp_vault.errors import SessionEnded, VaultUnavailable
from tests.vault_client.desk import Desk, Value, settle


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
        self.abandoned: set[int] = set()
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
        flying = [k for k, gate in self.gates if not gate.done() and id(gate) not in self.abandoned]
        live = self.desk.cache.peek(key)
        before = len(self.gates)
        self.waiters.append(self.loop.create_task(self.call(key, hold)))
        self.spin()
        if live is not None:
            assert len(self.gates) == before, "made although one was live"
        if key in flying:
            assert len(self.gates) == before, "two flights for one key"

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
        self.abandoned.update(id(gate) for k, gate in self.gates if k == key)
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
