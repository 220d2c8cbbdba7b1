"""Fixtures for the MCP servers: people who are signed in, and Vault seen from above."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from stack.testing import Stack
from tests.mcp_servers.callers import Caller, Vault, signed_in
from tests.support.people import Person

SignIn = Callable[[Person], Awaitable[Caller]]


@pytest.fixture
async def sign_in(stack: Stack) -> AsyncIterator[SignIn]:
    """Signs people in; their sessions end with the test."""
    callers: list[Caller] = []

    async def enter(person: Person) -> Caller:
        callers.append(await signed_in(stack, person))
        return callers[-1]

    yield enter
    for caller in callers:
        await caller.sign_out()


@pytest.fixture
async def caller(sign_in: SignIn, person: Person) -> Caller:
    """Somebody of this test's own, signed in."""
    return await sign_in(person)


@pytest.fixture(scope="module")
def shared(stack: Stack, _pool: Iterator[Person]) -> Iterator[Caller]:
    """Somebody signed in for a whole module: for tests that leave nothing behind."""
    caller = asyncio.run(signed_in(stack, next(_pool)))
    yield caller
    asyncio.run(caller.sign_out())


@pytest.fixture
def vault(stack: Stack) -> Iterator[Vault]:
    """Vault as its administrator."""
    above = Vault(stack)
    yield above
    above.close()
