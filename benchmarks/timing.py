"""Times of several ways to do a thing, taken in turns, so that a busy machine hits each alike."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

Doing = Callable[[], Awaitable[object]]


async def in_turns(ways: Mapping[str, Doing], *, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way, ``rounds`` times A, B, A, B …; each round begins with another one."""
    names = list(ways)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            began = time.perf_counter()
            await ways[name]()
            times[name].append((time.perf_counter() - began) * 1000)
    return times


def quantile(values: Sequence[float], fraction: float) -> float:
    """The value below which ``fraction`` of ``values`` lie."""
    return sorted(values)[min(int(len(values) * fraction), len(values) - 1)]
