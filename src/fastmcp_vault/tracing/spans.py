"""Steps and requests as OpenTelemetry spans, and the W3C trace context that they send along.

A span has a step's name and its times, and is current while the step runs. Until a tracer is given nothing is done
here; of what a sampler left out only the context is sent on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from fastmcp_vault.tracing.model import Step

CORRELATION_ID = "fastmcp_vault.correlation_id"
"""The attribute that an action's span carries; Vault's audit log and the back end's log hold the same id."""

_STEP = "fastmcp_vault.step"
_TRACE_ID = re.compile("(?!0{32})[0-9a-f]{32}")
_SERVER_ERROR = 500
_CLIENT_ERROR = 400

_tracer: Tracer | None = None
_next_id: ContextVar[int | None] = ContextVar("next_trace_id", default=None)


def use_tracer(tracer: Tracer | None) -> None:
    """Make spans with this tracer from now on; None: make none."""
    global _tracer  # noqa: PLW0603 - one for the process, as OpenTelemetry's own
    _tracer = tracer


def sampled() -> bool:
    """Whether what goes on now is part of a trace that is kept: its steps are then recorded, whoever asks for them."""
    return _tracer is not None and trace.get_current_span().is_recording()


def trace_id() -> str | None:
    """The id (32 hexadecimal digits) of the trace that goes on now, kept or not, if there is one."""
    context = trace.get_current_span().get_span_context() if _tracer is not None else trace.INVALID_SPAN_CONTEXT
    return f"{context.trace_id:032x}" if context.is_valid else None


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


Answered = Callable[[int], None]
"""Takes the status of the answer."""


@contextmanager
def of_request(method: str, url: str, headers: MutableMapping[str, str]) -> Iterator[Answered]:
    """A request that is sent inside the block; the context goes along in ``headers`` (W3C Trace Context §3)."""
    if _tracer is None or not trace.get_current_span().get_span_context().is_valid:
        yield _nothing
        return
    if not trace.get_current_span().is_recording():
        propagate.inject(headers)
        yield _nothing
        return
    about = {"http.request.method": method, "url.full": url}
    with _tracer.start_as_current_span(method, kind=SpanKind.CLIENT, attributes=about, **_QUIET) as span:
        propagate.inject(headers)
        with _named_error(span):
            yield _answered(span, error_from=_CLIENT_ERROR)


@contextmanager
def of_served(method: str, path: str, headers: Mapping[str, str]) -> Iterator[Answered]:
    """A request that is served inside the block, as a part of the trace that its ``headers`` tell of."""
    if _tracer is None:
        yield _nothing
        return
    about = {"http.request.method": method, "url.path": path}
    context: Context = propagate.extract(headers)
    with (
        _tracer.start_as_current_span(method, context, SpanKind.SERVER, about, **_QUIET) as span,
        _named_error(span),
    ):
        yield _answered(span, error_from=_SERVER_ERROR)


_QUIET: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
"""An exception's text and traceback are the log's matter; a span names its kind."""


def on() -> bool:
    """Whether there is a tracer."""
    return _tracer is not None


def _nothing(status: int) -> None:
    """For a request of which no span is kept."""


def _answered(span: Span, *, error_from: int) -> Answered:
    def answered(status: int) -> None:
        span.set_attribute("http.response.status_code", status)
        if status >= error_from:
            span.set_attribute("error.type", str(status))
            span.set_status(StatusCode.ERROR)

    return answered


@contextmanager
def _named_error(span: Span) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        span.set_attribute("error.type", type(error).__qualname__)
        span.set_status(StatusCode.ERROR)
        raise


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
