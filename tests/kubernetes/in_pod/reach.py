"""Runs in any pod, by ``kubectl exec … python - HOST:PORT …``: prints those that take a TCP connection, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

SECONDS = 4.0
"""A refused packet is dropped, so that a connection waits; on one machine an open door answers in milliseconds."""


async def is_open(place: str) -> bool:
    """Whether somebody takes the connection."""
    host, _, port = place.rpartition(":")
    with suppress(OSError):
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        return True
    return False


async def main(places: list[str]) -> list[str]:
    """All at once."""
    found = await asyncio.gather(*map(is_open, places))
    return [place for place, open_ in zip(places, found, strict=True) if open_]


print(json.dumps(asyncio.run(main(sys.argv[1:]))))
