"""Whether a part may be asked: not for a while after it failed repeatedly, then by one caller who tries it out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from fastmcp_vault import metrics
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import Part, Problem

THRESHOLD = 3
"""Failures in a row after which a part counts as down."""

CircuitState = Literal["closed", "open", "half-open"]


class Circuit:
    """Counts the failures of one part, and answers for it while it is down, so that nobody waits to hear the same.

    Closed: everybody may ask. Open, after ``threshold`` failures in a row: nobody, until a pause is over that
    doubles each time and has jitter. Half-open: one caller tries; its success closes the circuit, its failure opens
    it again. A failure is a retryable Problem about ``part``, unless its detail says ``one_call``: that one may be
    due to what was asked, and nobody may shut the others out. Any other answer is a sign of life.
    Safe to use from several threads. ``clock`` gives seconds, from any start, and does not jump.
    """

    def __init__(
        self,
        part: Part,
        *,
        threshold: int = THRESHOLD,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._part, self._threshold, self._clock = part, threshold, clock
        self._backoff = backoff or Backoff(first=0.5)
        self._lock = threading.Lock()
        self._failures = 0
        self._last: Problem | None = None
        self._tried_again_at = 0.0
        self._trying = False

    @property
    def state(self) -> CircuitState:
        """Whether callers may ask now; what /health shows."""
        with self._lock:
            return self._state()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: the state, failures in a row, and while it is open the seconds until it is tried again."""
        with self._lock:
            state = self._state()
            wait = max(0.0, self._tried_again_at - self._clock())
            return {
                "circuit": state,
                "failures": self._failures,
                **({"retry_in_seconds": round(wait, 1)} if state == "open" else {}),
            }

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around one call to the part. Raises, while the part is down, the Problem that it failed with last."""
        mine = self._enter()
        try:
            yield
        except Problem as problem:
            if not problem.retryable or problem.part != self._part:
                self._succeeded()
            elif problem.detail.get("one_call"):
                self._left(tried=mine)
            else:
                self._failed(problem, tried=mine)
            raise
        except BaseException:
            self._left(tried=mine)
            raise
        else:
            self._succeeded()

    def _state(self) -> CircuitState:
        if self._failures < self._threshold:
            return "closed"
        return "open" if self._clock() < self._tried_again_at else "half-open"

    def _enter(self) -> bool:
        """Let the caller through, or answer for the part; true for the one who tries it out."""
        with self._lock:
            state = self._state()
            if state == "closed":
                return False
            if state == "half-open" and not self._trying:
                self._trying = True
                return True
            assert self._last is not None
            raise type(self._last)(self._last.what, fix=self._last.fix, **self._last.detail) from self._last

    def _failed(self, problem: Problem, *, tried: bool) -> None:
        with self._lock:
            # What was under way when the circuit opened says nothing new.
            counts = tried or self._failures < self._threshold
            self._trying = self._trying and not tried
            if not counts:
                return
            self._failures, self._last = self._failures + 1, problem
            if self._failures >= self._threshold:
                self._tried_again_at = self._clock() + self._backoff.failed()

    def _succeeded(self) -> None:
        with self._lock:
            self._failures, self._last, self._trying = 0, None, False
            self._backoff.succeeded()

    def _left(self, *, tried: bool) -> None:
        """The caller went away, or broke, without an answer: another one may try."""
        with self._lock:
            self._trying = self._trying and not tried


@contextmanager
def watched(server: str, circuits: Mapping[str, Circuit]) -> Iterator[None]:
    """Tell, inside the block, which of these parts ``server`` does not ask now."""

    def read() -> list[tuple[float, metrics.Labels]]:
        return [(float(one.state == "open"), {"server": server, "part": part}) for part, one in circuits.items()]

    leave = metrics.CIRCUITS.watch(read)
    try:
        yield
    finally:
        leave()
