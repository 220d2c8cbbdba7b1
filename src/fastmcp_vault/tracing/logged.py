"""Log records that know which call they belong to, whoever writes them."""

from __future__ import annotations

import logging

from fastmcp_vault.tracing import spans
from fastmcp_vault.tracing.wire import correlation_id


class CorrelationFilter(logging.Filter):
    """For a handler: gives each record ``correlation_id``, ``trace_id`` and ``span_id``, empty where there is none.

    A formatter may then use ``%(correlation_id)s``.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.correlation_id = correlation_id() or ""
        record.trace_id = spans.trace_id() or ""
        record.span_id = spans.span_id() or ""
        return True
