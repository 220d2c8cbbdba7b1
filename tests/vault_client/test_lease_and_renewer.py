"""Leases on a clock handed in, and renewal in good time: checked without waiting for anything."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmcp_vault.errors import Problem, VaultDenied, VaultUnavailable
from fastmcp_vault.vault import Lease, Renewer, Schedule
from fastmcp_vault.vault.renewer import renew_at

seconds = st.floats(0, 1e6)


@given(seconds, seconds, seconds)
def test_what_remains_is_never_negative_and_never_more_than_the_lease(
    start: float, duration: float, later: float
) -> None:
    lease = Lease("id", duration, issued_at=start)
    assert lease.remaining(start) == pytest.approx(duration, abs=1e-6)
    assert 0 <= lease.remaining(start + later) <= lease.remaining(start)
    assert lease.remaining(lease.expires_at) == 0


def test_a_sixty_second_lease_is_due_at_twenty_seconds_left_for_two_thirds() -> None:
    lease = Lease("", 60, issued_at=1000)
    assert not lease.due(1039.9, fraction=2 / 3)
    assert lease.due(1040.1, fraction=2 / 3)
    assert not lease.due(1047.9, fraction=4 / 5)
    assert lease.due(1048.1, fraction=4 / 5)


@given(st.floats(1, 1e5), st.floats(0.1, 0.9), st.floats(0, 0.5), st.integers())
def test_jitter_only_ever_brings_a_renewal_forward(duration: float, fraction: float, jitter: float, seed: int) -> None:
    lease = Lease("", duration, issued_at=0.0)
    at = renew_at(lease, fraction=fraction, jitter=jitter, rng=random.Random(seed))
    assert max(0.0, fraction - jitter) * duration <= at + 1e-6
    assert at <= fraction * duration + 1e-6


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.one_of(st.none(), st.floats(0, 100))), max_size=40),
    st.floats(0, 100),
)
def test_a_schedule_agrees_with_a_plain_dictionary(orders: list[tuple[str, float | None]], now: float) -> None:
    schedule: Schedule[str] = Schedule()
    plain: dict[str, float] = {}
    for key, at in orders:
        if at is None:
            schedule.remove(key)
            plain.pop(key, None)
        else:
            schedule.set(key, at)
            plain[key] = at
    assert schedule.next_at() == (min(plain.values()) if plain else None)
    due = schedule.take_due(now)
    assert sorted(due) == sorted(k for k, at in plain.items() if at <= now)
    assert [plain[k] for k in due] == sorted(plain[k] for k in due)
    assert len(schedule) == len(plain) - len(due)


@dataclass
class Clock:
    """Time that passes when told to; whoever waits wakes when it has."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        until = float("inf") if seconds is None else self.now + seconds
        while not event.is_set() and self.now < until:  # noqa: ASYNC110 - time here passes in steps
            await asyncio.sleep(0)

    async def advance(self, by: float) -> None:
        self.now += by
        for _ in range(30):
            await asyncio.sleep(0)


@dataclass
class Vaultlike:
    """Renews a lease as Vault does: the same duration anew, less near the maximum; or fails as told."""

    clock: Clock
    maximum: float = float("inf")
    renewals: list[float] = field(default_factory=list)
    failing: Problem | None = None
    lost: list[Problem] = field(default_factory=list)

    async def renew(self) -> Lease | None:
        self.renewals.append(self.clock.now)
        if self.failing is not None:
            raise self.failing
        return Lease("", min(60.0, self.maximum - self.clock.now), issued_at=self.clock.now)

    async def on_lost(self, problem: Problem) -> None:
        self.lost.append(problem)

    def renewer(self, fraction: float = 2 / 3) -> Renewer[str]:
        return Renewer(fraction=fraction, jitter=0.0, clock=self.clock, wait=self.clock.wait, rng=random.Random(1))

    def lease(self) -> Lease:
        return Lease("", 60.0, issued_at=self.clock.now)


@pytest.fixture
def vault() -> Vaultlike:
    return Vaultlike(Clock())


@pytest.mark.parametrize(("fraction", "at"), [(2 / 3, [1040.0, 1080.0, 1120.0]), (4 / 5, [1048.0, 1096.0])])
async def test_a_lease_is_renewed_at_its_fraction_of_each_life(
    vault: Vaultlike, fraction: float, at: list[float]
) -> None:
    async with vault.renewer(fraction) as renewer:
        renewer.keep("alice", vault.lease(), vault.renew)
        for _ in range(121):
            await vault.clock.advance(1.0)
    assert vault.renewals == at


async def test_one_that_is_forgotten_or_not_renewable_is_left_alone(vault: Vaultlike) -> None:
    async with vault.renewer() as renewer:
        renewer.keep("alice", vault.lease(), vault.renew)
        renewer.keep("bob", Lease("", 60, issued_at=vault.clock.now, renewable=False), vault.renew)
        await vault.clock.advance(10)
        renewer.forget("alice")
        await vault.clock.advance(100)
        assert len(renewer) == 0
    assert vault.renewals == []


async def test_an_outage_is_waited_out_while_the_lease_lasts(vault: Vaultlike) -> None:
    async with vault.renewer() as renewer:
        renewer.keep("alice", vault.lease(), vault.renew, lost=vault.on_lost)
        vault.failing = VaultUnavailable("Vault is down.")
        for _ in range(150):
            await vault.clock.advance(0.1 if vault.clock.now >= 1040 else 1.0)
        assert len(vault.renewals) >= 3
        vault.failing = None
        while vault.clock.now < 1059:
            await vault.clock.advance(0.5)
        assert vault.lost == []
        assert len(renewer) == 1


async def test_an_outage_longer_than_the_lease_loses_it_and_says_so_once(vault: Vaultlike) -> None:
    async with vault.renewer() as renewer:
        renewer.keep("alice", vault.lease(), vault.renew, lost=vault.on_lost)
        vault.failing = VaultUnavailable("Vault is down.")
        for _ in range(200):
            await vault.clock.advance(0.5)
        assert len(renewer) == 0
    assert vault.lost == [vault.failing]
    assert all(at < 1060 for at in vault.renewals)


async def test_a_refusal_loses_the_lease_at_once(vault: Vaultlike) -> None:
    async with vault.renewer() as renewer:
        renewer.keep("alice", vault.lease(), vault.renew, lost=vault.on_lost)
        vault.failing = VaultDenied("The token is gone.")
        await vault.clock.advance(40.5)
        await vault.clock.advance(100)
    assert (len(vault.renewals), len(vault.lost)) == (1, 1)


async def test_near_its_maximum_a_lease_is_not_renewed_over_and_over(vault: Vaultlike) -> None:
    vault.maximum = vault.clock.now + 150
    async with vault.renewer() as renewer:
        renewer.keep("alice", vault.lease(), vault.renew)
        for _ in range(1600):
            await vault.clock.advance(0.1)
        assert len(renewer) == 0
    assert len(vault.renewals) < 10


async def test_a_renewal_that_breaks_in_an_unforeseen_way_loses_the_lease_and_not_the_renewer(vault: Vaultlike) -> None:
    async def breaks() -> Lease | None:
        raise RuntimeError("unforeseen")

    async with vault.renewer() as renewer:
        renewer.keep("alice", vault.lease(), breaks, lost=vault.on_lost)
        renewer.keep("bob", vault.lease(), vault.renew)
        await vault.clock.advance(41)
        assert len(renewer) == 1
    assert len(vault.renewals) == 1
    assert len(vault.lost) == 1


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0])
def test_a_fraction_that_makes_no_sense_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        Renewer(fraction=fraction)
