"""Whom the isolation page tries: my row against everybody, and the whole grid for the facilitator."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing

from app.lab.actors import Actor, by_lab, oneself
from app.lab.isolation import NAME, Cell, grid
from app.lab.people import LabClosed, everybody, seen_by
from app.lab.targets import Targets
from app.process import AppProcess
from app.room import as_facilitator

AT_ONCE = 10
"""People in the whole grid at most: each signs in at four clients."""


def names(process: AppProcess, me: str) -> list[str]:
    """Everybody that the demo's users file names, oneself first, and some of a room; oneself alone outside the demo."""
    try:
        return seen_by(everybody(process.settings), me)
    except LabClosed:
        return [me]


def able(process: AppProcess) -> list[str]:
    """Whom the lab can sign in, so that they can be in the whole grid. Raises LabClosed."""
    return [name for name, person in everybody(process.settings).items() if not person.one_time]


def usable(typed: str) -> list[str]:
    """The names in a text that may stand in a path, each once."""
    return list(dict.fromkeys(name for name in typed.replace(",", " ").split() if NAME.fullmatch(name)))


async def my_row(process: AppProcess, cookie: str, owners: Sequence[str]) -> AsyncGenerator[Cell]:
    """The signed-in person against each of these. Raises SessionEnded, ExchangeRefused, VaultLoginRefused …"""
    session = await process.sessions.renewed(cookie)
    async with oneself(process, session) as actor, aclosing(_grid(process, [actor], owners)) as cells:
        async for cell in cells:
            yield cell


async def whole_grid(process: AppProcess, cookie: str, chosen: Sequence[str]) -> AsyncGenerator[Cell]:
    """Each of these people against each other. Raises NotFacilitator, LabClosed, KeycloakRefused, SessionEnded."""
    await as_facilitator(process, cookie)
    people = everybody(process.settings)
    acting = [people[name] for name in chosen[:AT_ONCE] if name in people and not people[name].one_time]
    async with AsyncExitStack() as ends:
        actors = [await ends.enter_async_context(by_lab(process, person)) for person in acting]
        cells = await ends.enter_async_context(aclosing(_grid(process, actors, [p.username for p in acting])))
        async for cell in cells:
            yield cell


def _grid(process: AppProcess, actors: Sequence[Actor], owners: Sequence[str]) -> AsyncGenerator[Cell]:
    return grid(Targets.of(process.settings), actors, owners)
