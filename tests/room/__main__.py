"""``python -m tests.room``: a workshop of thirty, each exercise by everybody at once; ``--help`` names the choices.

It starts a demo that serves a room on a loopback address, and takes it away again. Long, so it is not in the usual run;
`tests/room/test_served.py` has the same for two.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from stack.testing import running
from tests.room.conftest import ADDRESS, ServedRoom
from tests.room.crowd import percentile, workshop

PROMISE = 1.0
"""Seconds: 95 of 100 pages are drawn within it."""


def main() -> int:
    """1 when the pages are slower than promised; whatever else is wrong ends in a traceback."""
    reader = argparse.ArgumentParser(prog="python -m tests.room", description=__doc__)
    reader.add_argument("--people", type=int, default=30)
    reader.add_argument(
        "--browsers", type=int, default=2, help="of them at a real Chromium, for exercises 1 to 6 and 9"
    )
    reader.add_argument("--cut", type=float, default=60.0, help="seconds without a network, in the middle")
    reader.add_argument("--pause", type=float, default=20.0, help="seconds that somebody thinks at most")
    chosen = reader.parse_args()
    began = time.monotonic()

    def say(what: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.0f} s  everybody {what}\n")
        sys.stdout.flush()

    with running(room=("--room", ADDRESS)) as stack:
        served = ServedRoom(stack)
        working = workshop(served, chosen.people, cut=chosen.cut, pause=chosen.pause, say=say, browsers=chosen.browsers)
        report = asyncio.run(working)
    told = (
        f"{chosen.people} people did the workshop, {chosen.browsers} of them exercises 1 to 6 and 9 at a real Chromium."
    )
    sys.stdout.write("\n".join([told, *report.lines(), ""]))
    return 0 if percentile(report.opened, 0.95) < PROMISE else 1


if __name__ == "__main__":
    sys.exit(main())
