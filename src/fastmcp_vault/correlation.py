"""The correlation id of what is going on: one id from the browser's click to the back end's log, recorded or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Correlation-Id"

_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def current() -> str | None:
    """The id that this task or thread works under, if one is known."""
    return _id.get()


@contextmanager
def carrying(correlation_id: str | None) -> Iterator[None]:
    """Send ``correlation_id`` with every call made inside the block (None: send none)."""
    token = _id.set(correlation_id)
    try:
        yield
    finally:
        _id.reset(token)
