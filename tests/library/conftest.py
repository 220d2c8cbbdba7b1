"""A world without servers: alice, who has everything, bob, who has nothing, and servers that hold credentials there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.library.heart import HERS, Server, World, serving


@pytest.fixture
def world() -> World:
    found = World()
    found.person("alice", secret=dict(HERS), database=True)
    found.person("bob")
    return found


@pytest.fixture
async def server(world: World) -> AsyncIterator[Server]:
    async with serving(world) as found:
        yield found


@pytest.fixture
async def database(world: World) -> AsyncIterator[Server]:
    async with serving(world, server="postgres", database=True) as found:
        yield found
