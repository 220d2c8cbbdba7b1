"""Agents for tests: real certificates from the stack's own authority, real connections, a real Redis."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from stack.testing import Stack
from tests.services.agents import OPENED, Site
from tests.services.redis_server import RedisServer, redis_server


@pytest.fixture(scope="session")
def site(stack: Stack) -> Iterator[Site]:
    """The stack's agents' services, seen from outside."""
    found = Site(stack)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().http.close()


@pytest.fixture
def name() -> str:
    """An agent's name that no other test has."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis of this test's own, on a free port."""
    with redis_server() as server:
        yield server
