"""What PostgreSQL raises about the shared state, as one error that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from fastmcp_vault.errors import StateUnavailable
from fastmcp_vault.sentences import Sentence


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise StateUnavailable for whatever the database raises inside the block; ``doing`` completes "While …"."""
    try:
        yield
    except (psycopg.Error, PoolTimeout, PoolClosed, OSError) as error:
        raise unavailable(doing) from error


def unavailable(doing: str) -> StateUnavailable:
    """The error itself."""
    return StateUnavailable(
        Sentence("While {doing}: the shared state (PostgreSQL database mcp_state) did not answer.", doing=doing),
        fix="Check that PostgreSQL is up; then try again.",
    )
