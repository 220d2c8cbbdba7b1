"""Steps as OpenTelemetry spans, and whether spans of requests and statements belong below them.

A span has a step's name and its times, and is current while the step runs. Until a tracer is given nothing is done
here; of what a sampler left out only the context is sent on (W3C Trace Context).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import httpx2
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer
from starlette.types import ASGIApp

from fastmcp_vault.tracing.model import Step

CORRELATION_ID = "fastmcp_vault.correlation_id"
"""The attribute that an action's span carries; Vault's audit log and the back end's log hold the same id."""

_STEP = "fastmcp_vault.step"
_TRACE_ID = re.compile("(?!0{32})[0-9a-f]{32}")

T = TypeVar("T")

_tracer: Tracer | None = None
_makers: SpanMakers | None = None
_next_id: ContextVar[int | None] = ContextVar("next_trace_id", default=None)


def use_tracer(tracer: Tracer | None, span_makers: SpanMakers | None = None) -> None:
    """Make spans with this tracer from now on, and with these of requests and statements; None: make none."""
    # One for the process, as OpenTelemetry's own.
    global _tracer, _makers
    _tracer, _makers = tracer, span_makers


def sampled() -> bool:
    """Whether what goes on now is part of a trace that is kept: its steps are then recorded, whoever asks for them."""
    return _tracer is not None and trace.get_current_span().is_recording()


def trace_id() -> str | None:
    """The id (32 hexadecimal digits) of the trace that goes on now, kept or not, if there is one."""
    context = trace.get_current_span().get_span_context() if _tracer is not None else trace.INVALID_SPAN_CONTEXT
    return f"{context.trace_id:032x}" if context.is_valid else None


def span_id() -> str | None:
    """The id (16 hexadecimal digits) of the span that is current, kept or not, if there is one."""
    context = trace.get_current_span().get_span_context() if _tracer is not None else trace.INVALID_SPAN_CONTEXT
    return f"{context.span_id:016x}" if context.is_valid else None


def next_trace_id() -> int | None:
    """The correlation id of the action that begins a trace now: both are one id, from the browser to SQL."""
    return _next_id.get()


@contextmanager
def of_action(name: str, correlation_id: str) -> Iterator[None]:
    """An action: a part of the trace that goes on, or else a new trace with ``correlation_id`` as its id."""
    if _tracer is None:
        yield
        return
    span = trace.get_current_span()
    if span.get_span_context().is_valid:
        span.set_attribute(CORRELATION_ID, correlation_id)
        yield
        return
    known = _next_id.set(int(correlation_id, 16) if _TRACE_ID.fullmatch(correlation_id) else None)
    try:
        span = _tracer.start_span(name, attributes={CORRELATION_ID: correlation_id})
    finally:
        _next_id.reset(known)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        yield


@contextmanager
def of_step(step: Step) -> Iterator[None]:
    """The block as a span; what the step says by the block's end becomes its attributes."""
    if _tracer is None or not trace.get_current_span().is_recording():
        yield
        return
    span = _tracer.start_span(step.kind, start_time=_nanoseconds(step.started_at))
    try:
        with trace.use_span(span, record_exception=False, set_status_on_exception=False):
            yield
    finally:
        _end(span, step)


def of_note(step: Step) -> None:
    """A step that was noted: reused, skipped, or over before it could be recorded."""
    if _tracer is not None and trace.get_current_span().is_recording():
        _end(_tracer.start_span(step.kind, start_time=_nanoseconds(step.started_at)), step)


class SpanMakers(Protocol):
    """Who makes the spans of requests and statements: instrumentations that others keep."""

    def sending(self, transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        """``transport``, with a span for each request, whose context goes along in its headers."""

    def serving(self, app: ASGIApp) -> ASGIApp:
        """``app``, with a span for each request, in the trace that its headers tell of."""

    async def statement(self, connection: Any, text: str, run: Callable[[], Awaitable[T]]) -> T:
        """``run``, which sends the statement ``text`` on a connection of psycopg, with a span."""


def makers() -> SpanMakers:
    """Those of this process. Raises RuntimeError where there is no tracer."""
    if _makers is None:
        raise RuntimeError("No spans are made here")
    return _makers


def goes_on() -> bool:
    """Whether a trace goes on now, kept or not, whose context is to be sent along."""
    return _tracer is not None and trace.get_current_span().get_span_context().is_valid


def tell(headers: MutableMapping[str, str]) -> None:
    """Send the context along of a trace that is not kept (W3C Trace Context §3)."""
    propagate.inject(headers)


async def of_statement(connection: Any, text: str, run: Callable[[], Awaitable[T]]) -> T:
    """``run``, which sends the statement ``text``, as a span if the trace that goes on is kept."""
    return await (makers().statement(connection, text, run) if sampled() else run())


def on() -> bool:
    """Whether there is a tracer."""
    return _tracer is not None


def _end(span: Span, step: Step) -> None:
    about = step.about
    told: dict[str, Any] = {
        f"{_STEP}.number": about.number,
        f"{_STEP}.title": about.title,
        f"{_STEP}.status": step.status,
        f"{_STEP}.server": step.server,
        f"{_STEP}.sentence": str(step.sentence),
        f"{_STEP}.since": step.since,
        f"{_STEP}.until": step.until,
        **{f"{_STEP}.detail.{name}": str(value) for name, value in step.detail.items()},
    }
    span.set_attributes({name: value for name, value in told.items() if value not in (None, "")})
    if step.status == "failed":
        span.set_attribute("error.type", step.code)
        span.set_status(Status(StatusCode.ERROR, str(step.error)))
    span.end(_nanoseconds(step.started_at + step.duration_ms / 1000))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
