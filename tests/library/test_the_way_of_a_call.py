"""The way of a call, as docs/ARCHITECTURE.md draws it, is the way that the code goes: the functions are recorded."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from fastmcp_vault.credentials.calls import Call
from stack.layout import ROOT
from tests.library.heart import Server, World, call, serving, settle

LIBRARY = str(ROOT / "src/fastmcp_vault") + "/"
ROOMS = ("credentials/", "oidc/oidc.py", "vault/client.py", "vault/cache.py", "state/memory.py")
"""What the document draws; below it are HTTP, tracing, and hvac."""

LEFT_OUT = re.compile(r"__\w+__|<\w+>|_unrecorded|.*expires_at|has_time|entries|values|due|leases|facts")
"""What only fetches a value, and what every object does."""


@contextmanager
def recorded(found: list[str]) -> Iterator[None]:
    """Note each function of the library that begins in the block, once, in this order."""

    def profile(frame: FrameType, event: str, _: Any) -> None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if event != "call" or not file.startswith(LIBRARY):
            return
        place = file.removeprefix(LIBRARY)
        said = f"{place} {name}"
        if place.startswith(ROOMS) and not LEFT_OUT.fullmatch(name) and said not in found:
            found.append(said)

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


def drawn(heading: str) -> list[str]:
    """``file function`` of each line in the document's list under ``heading``."""
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    (block,) = re.findall(rf"{re.escape(heading)}.*?```text\n(.*?)```", text, re.DOTALL)
    return [f"{line.split()[0]} {line.split()[1]}" for line in block.splitlines() if line.strip()]


async def way(make: Callable[[World], Call], *, before: int) -> list[str]:
    """The functions that a call passes, after so many others."""
    world = World()
    world.person("alice", database=True)
    found: list[str] = []
    async with serving(world, server="postgres", database=True) as server:
        for _ in range(before):
            await server.get(make(world))
        await settle()
        one = make(world)
        with recorded(found):
            await _once(server, one)
            await settle()
    return found


async def _once(server: Server, one: Call) -> None:
    await asyncio.ensure_future(server.get(one))


async def test_the_first_call_goes_the_way_that_is_drawn() -> None:
    assert await way(lambda world: call(world, "sub-of-alice"), before=0) == drawn("**The first call**")


async def test_a_warm_call_goes_the_way_that_is_drawn() -> None:
    assert await way(lambda world: call(world, "sub-of-alice"), before=1) == drawn("**A warm call**")
