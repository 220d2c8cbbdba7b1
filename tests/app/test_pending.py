"""A sign-in under way is good once, for its own state, at any replica; a logout token does its work once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from app.pending import Pending, PendingLogins, SeenTokens, cookie_name
from stack.testing import Stack
from state import State

SIGN_IN = Pending(state="s", nonce="n", verifier=SecretStr("v"), next="/mcp-tools", asked="http://localhost/…")


def opened(stack: Stack) -> State:
    settings = stack.environment("app")
    return State(SecretStr(settings["STATE_DSN"]), session_keys=[SecretStr(settings["APP_SESSION_KEY"])])


@pytest.fixture
async def logins(stack: Stack) -> AsyncIterator[PendingLogins]:
    async with opened(stack) as state:
        yield PendingLogins(state)


async def test_it_is_given_back_once_at_whichever_replica_asks(logins: PendingLogins, stack: Stack) -> None:
    key = await logins.keep(SIGN_IN)
    async with opened(stack) as elsewhere:
        assert await PendingLogins(elsewhere).take(key, state="s") == SIGN_IN
        assert await PendingLogins(elsewhere).take(key, state="s") is None
    assert await logins.take(key, state="s") is None


async def test_another_state_gets_nothing_and_uses_it_up(logins: PendingLogins) -> None:
    key = await logins.keep(SIGN_IN)
    assert await logins.take(key, state="other") is None
    assert await logins.take(key, state="s") is None


async def test_an_unknown_key_gets_nothing(logins: PendingLogins) -> None:
    await logins.keep(SIGN_IN)
    assert await logins.take("", state="s") is None
    assert await logins.take("ключ", state="s") is None


def test_two_tabs_have_two_cookies() -> None:
    assert cookie_name("one") != cookie_name("two")


def test_a_logout_token_is_good_once() -> None:
    seen = SeenTokens()
    assert not seen.was_used("a", now=0)
    seen.used("a", until=10)
    assert seen.was_used("a", now=5)
    assert not seen.was_used("b", now=5)
    assert not seen.was_used("a", now=11)
