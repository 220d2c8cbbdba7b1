"""Runs in a pod of the app, by ``kubectl exec … python -``: the isolation grid and every attack, as its pages do.

Prints one JSON object: how many cells of the grid and attacks came out how, and those that are not as they should be.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

# The app's process got its secret settings when it started (common/from_vault.py); this one is the same user.
os.environ |= dict(one.split("=", 1) for one in Path("/proc/1/environ").read_text().split("\0") if "=" in one)

from app.asgi import opened
from app.lab import catalog
from app.lab.actors import by_lab
from app.lab.isolation import grid
from app.lab.people import everybody
from app.lab.place import place
from app.lab.targets import Targets
from app.process import AppProcess
from app.settings import AppSettings
from common.settings import load


async def isolation(process: AppProcess) -> tuple[Counter[str], dict[str, str]]:
    """alice, bob and a third, each against each."""
    people = everybody(process.settings)
    names = ("alice", "bob", "tester000")
    async with AsyncExitStack() as ends:
        actors = [await ends.enter_async_context(by_lab(process, people[name])) for name in names]
        cells = [cell async for cell in grid(Targets.of(process.settings), actors, names)]
    bad = [cell for cell in cells if cell.state in ("leak", "unclear")]
    wrong = {f"{one.actor} at {one.owner}'s {one.thing.id}": f"{one.state}, {one.said}" for one in bad}
    return Counter(cell.state for cell in cells), wrong


async def attacks(process: AppProcess) -> tuple[Counter[str], dict[str, str]]:
    """Every attack of the lab, and its controls."""
    chosen = (*catalog.CONTROLS, *catalog.ATTACKS)
    found = {one.attack: one async for one in catalog.run(place(process, "alice"), chosen)}
    bad = [one for one in chosen if found[one.id].verdict != one.expected]
    wrong = {one.id: f"{found[one.id].verdict}, {found[one.id].said}" for one in bad}
    return Counter(one.verdict for one in found.values()), wrong


async def main() -> None:
    """Both, one after the other."""
    async with opened(load(AppSettings)) as process, AppProcess.running(process):
        cells, leaks = await isolation(process)
        verdicts, passed = await attacks(process)
    print(json.dumps({"isolation": cells, "attacks": verdicts, "wrong": leaks | passed}))


asyncio.run(main())
