"""A part that failed repeatedly is left alone for a while, then tried by one caller; nobody else waits for it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmcp_vault.backoff import Backoff
from fastmcp_vault.circuit import THRESHOLD, Circuit
from fastmcp_vault.errors import KeycloakUnavailable, Problem, VaultDenied, VaultUnavailable


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit("vault", backoff=Backoff(first=1.0, longest=8.0, jitter=0.0), clock=clock)


DOWN = VaultUnavailable("Vault cannot be reached.", fix="Start it.")


def ask(circuit: Circuit, answer: BaseException | None = None) -> bool:
    """Whether the part was asked at all."""
    asked = False
    try:
        with circuit.asking():
            asked = True
            if answer is not None:
                raise answer
    except (Problem, asyncio.CancelledError):
        pass
    return asked


def broken(circuit: Circuit) -> None:
    for _ in range(THRESHOLD):
        assert ask(circuit, DOWN)


def test_after_failures_in_a_row_nobody_is_made_to_wait_and_everybody_hears_the_same(circuit: Circuit) -> None:
    broken(circuit)
    assert circuit.state == "open"
    assert circuit.as_dict() == {"circuit": "open", "failures": 3, "retry_in_seconds": 1.0}
    with pytest.raises(VaultUnavailable, match=r"^Vault cannot be reached\. Start it\.$"), circuit.asking():
        raise AssertionError("Vault was asked")


def test_one_success_between_failures_keeps_it_closed(circuit: Circuit) -> None:
    for _ in range(5):
        ask(circuit, DOWN)
        ask(circuit, DOWN)
        ask(circuit)
    assert circuit.as_dict() == {"circuit": "closed", "failures": 0}


def test_when_the_pause_is_over_one_caller_tries_and_the_others_are_still_answered(
    circuit: Circuit, clock: Clock
) -> None:
    broken(circuit)
    clock.now += 1.0
    assert circuit.state == "half-open"
    with circuit.asking():
        assert not ask(circuit)
    assert circuit.state == "closed"
    assert ask(circuit)


def test_each_failed_try_doubles_the_pause(circuit: Circuit, clock: Clock) -> None:
    broken(circuit)
    for pause in (1.0, 2.0, 4.0, 8.0, 8.0):
        clock.now += pause - 0.01
        assert not ask(circuit)
        clock.now += 0.01
        assert ask(circuit, DOWN)


def test_who_tries_and_goes_away_lets_another_one_try(circuit: Circuit, clock: Clock) -> None:
    broken(circuit)
    clock.now += 1.0
    assert ask(circuit, asyncio.CancelledError())
    assert ask(circuit)
    assert circuit.state == "closed"


@pytest.mark.parametrize(
    "answer",
    [VaultDenied("403."), KeycloakUnavailable("Vault says that Keycloak is down.")],
    ids=["a refusal", "a failure of another part"],
)
def test_any_other_answer_is_a_sign_of_life(circuit: Circuit, answer: Problem) -> None:
    for _ in range(2 * THRESHOLD):
        ask(circuit, DOWN)
        ask(circuit, answer)
    assert circuit.state == "closed"


def test_failures_that_may_be_due_to_one_call_shut_nobody_out(circuit: Circuit, clock: Clock) -> None:
    for _ in range(10):
        assert ask(circuit, VaultUnavailable("Vault had an internal error.", one_call=True))
    broken(circuit)
    clock.now += 1.0
    assert ask(circuit, VaultUnavailable("Vault had an internal error.", one_call=True))
    assert circuit.state == "half-open"


def test_calls_under_way_when_it_opened_do_not_lengthen_the_pause(circuit: Circuit, clock: Clock) -> None:
    under_way = [circuit.asking() for _ in range(20)]
    for call in under_way:
        call.__enter__()
    for call in under_way:
        assert not call.__exit__(VaultUnavailable, DOWN, None)
    assert circuit.as_dict()["retry_in_seconds"] == 1.0
    clock.now += 1.0
    assert ask(circuit)


@given(st.lists(st.tuples(st.sampled_from(["down", "denied", "fine", "gone"]), st.floats(0, 5)), max_size=60))
def test_it_always_comes_back(events: list[tuple[str, float]]) -> None:
    clock = Clock()
    circuit = Circuit("vault", backoff=Backoff(first=1.0, longest=8.0), clock=clock)
    answers = {"down": DOWN, "denied": VaultDenied("403."), "fine": None, "gone": asyncio.CancelledError()}
    for name, passed in events:
        ask(circuit, answers[name])
        clock.now += passed
    clock.now += 8.0 * 1.25
    assert ask(circuit)
    assert circuit.state == "closed"
