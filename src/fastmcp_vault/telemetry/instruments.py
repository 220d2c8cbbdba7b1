"""OpenTelemetry's instrumentations, as this library uses them: spans of requests sent and served, and of SQL.

``opentelemetry-instrumentation-httpx`` makes those of ``httpx2``, Starlette its own of ASGI. For psycopg it is
``opentelemetry-instrumentation-dbapi``, on which ``…-psycopg`` builds: that package patches ``psycopg`` for the whole
process, and would make a trace of every statement of the shared state's own work. Each names things by OpenTelemetry's
stable semantic conventions. Their metrics are left out: labels with addresses are not bounded.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import httpx2
from opentelemetry.instrumentation.dbapi import CursorTracer, DatabaseApiIntegration
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransportHttpx2
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import TracerProvider
from starlette.middleware.opentelemetry import OpenTelemetryMiddleware
from starlette.types import ASGIApp

T = TypeVar("T")

_CONVENTIONS = "OTEL_SEMCONV_STABILITY_OPT_IN"
_CONNECTION = {"database": "info.dbname", "host": "info.host", "port": "info.port", "user": "info.user"}


class Instruments:
    """See :class:`fastmcp_vault.tracing.spans.SpanMakers`."""

    def __init__(self, provider: TracerProvider) -> None:
        os.environ.setdefault(_CONVENTIONS, "http,database")
        self._given: dict[str, Any] = {"tracer_provider": provider, "meter_provider": NoOpMeterProvider()}
        self._statements: WeakKeyDictionary[Any, CursorTracer[Any]] = WeakKeyDictionary()

    def sending(self, transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        """``transport``, with a span for each request, whose context goes along in its headers."""
        wrapped: Any = transport  # annotated as httpx's own where both are installed
        return AsyncOpenTelemetryTransportHttpx2(wrapped, **self._given)

    def serving(self, app: ASGIApp) -> ASGIApp:
        """``app``, with a span for each request, in the trace that its headers tell of."""
        return OpenTelemetryMiddleware(app, **self._given)

    async def statement(self, connection: Any, text: str, run: Callable[[], Awaitable[T]]) -> T:
        """``run``, which sends the statement ``text`` on a connection of psycopg, with a span."""
        tracer = self._statements.get(connection)
        if tracer is None:
            about = DatabaseApiIntegration("fastmcp_vault.sql", "postgresql", _CONNECTION, **self._given)
            about.get_connection_attributes(connection)
            tracer = self._statements[connection] = CursorTracer(about)

        async def sent(_: Any) -> T:
            return await run()

        statement: Any = text
        done: T = await tracer.traced_execution_async(connection, sent, statement)
        return done
