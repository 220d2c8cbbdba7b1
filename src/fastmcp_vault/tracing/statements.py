"""SQL as spans: a cursor of psycopg's whose statements are parts of the trace that goes on."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import psycopg
from psycopg.rows import Row
from psycopg.sql import Composable

from fastmcp_vault.tracing import spans


class SpannedCursor(psycopg.AsyncCursor[Row]):
    """For ``cursor_factory``: as its base, where no trace is kept."""

    async def execute(self, query: Any, params: Any = None, **more: Any) -> Self:
        """Send one statement. Its parameters stay out of the span."""
        run = partial(super().execute, query, params, **more)
        if not query or not spans.sampled():
            return await run()
        text = query.as_string(self) if isinstance(query, Composable) else query
        shown = text if isinstance(text, str) else text.decode()
        return await spans.makers().statement(self.connection, shown, run)
