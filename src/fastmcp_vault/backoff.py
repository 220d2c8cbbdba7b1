"""Waiting longer after each failure, with jitter, so that clients do not come back all at once."""

from __future__ import annotations

import random

LONGEST = 5.0
"""The longest pause (seconds) between two attempts that anything here takes: what was away is found within seconds of
its return. No caller asks for more."""


class Backoff:
    """Delays (seconds) between attempts: doubling from ``first`` to ``longest``, each ± ``jitter`` (a fraction).

    >>> backoff = Backoff(first=0.1, longest=5.0, jitter=0.0)
    >>> [backoff.failed() for _ in range(3)]
    [0.1, 0.2, 0.4]
    """

    def __init__(
        self, *, first: float = 0.1, longest: float = LONGEST, jitter: float = 0.25, rng: random.Random | None = None
    ) -> None:
        if not 0 < first <= longest or not 0 <= jitter < 1:
            raise ValueError("Backoff needs 0 < first <= longest and 0 <= jitter < 1")
        self._first, self._longest, self._jitter = first, longest, jitter
        self._rng = rng or random.SystemRandom()
        self._next = first

    def failed(self) -> float:
        """Count one failure; how long to wait before the next attempt."""
        delay, self._next = self._next, min(self._next * 2, self._longest)
        return delay * self._rng.uniform(1 - self._jitter, 1 + self._jitter)

    def succeeded(self) -> None:
        """Start over from ``first`` at the next failure."""
        self._next = self._first
