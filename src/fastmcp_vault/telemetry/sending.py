"""OpenTelemetry's SDK as this library sets it up: correlated ids, and an exporter that masks before it sends."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, Status

from fastmcp_vault.masking import mask_query, mask_text, mask_url, mask_value
from fastmcp_vault.telemetry import OTLP
from fastmcp_vault.telemetry.instruments import Instruments
from fastmcp_vault.telemetry.resource import resource
from fastmcp_vault.tracing import spans

TEXT_LIMIT = 2_000
"""Characters kept of an attribute."""

_URLS = ("url.full", "url.path", "http.url", "http.target")
_QUERY = "url.query"
_STACK = "exception.stacktrace"
"""Never sent: it belongs to the log, which the trace id leads to."""


class CorrelatedIds(RandomIdGenerator):
    """Random ids; a trace that an action begins has that action's correlation id."""

    def generate_trace_id(self) -> int:
        """See :func:`fastmcp_vault.tracing.spans.next_trace_id`."""
        return spans.next_trace_id() or int(super().generate_trace_id())


class MaskingExporter(SpanExporter):
    """Masks everything in a span, whoever made it, before ``inner`` sends it: in the thread that sends."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Mask, then send."""
        return self._inner.export([masked_span(span) for span in spans])

    def shutdown(self) -> None:
        """Send no more."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits, within ``timeout_millis`` milliseconds."""
        return self._inner.force_flush(timeout_millis)


def begin(service: str, exporters: Collection[str]) -> TracerProvider:
    """Make spans from now on, and send them as ``service``, through these exporters (``otlp``, ``zipkin``)."""
    provider = TracerProvider(resource=resource(service), id_generator=CorrelatedIds())
    for name in sorted(exporters):
        provider.add_span_processor(BatchSpanProcessor(MaskingExporter(_exporter(name))))
    trace.set_tracer_provider(provider)
    spans.use_tracer(provider.get_tracer("fastmcp_vault"), Instruments(provider))
    return provider


def _exporter(name: str) -> SpanExporter:
    """As the environment says. Zipkin's is not installed everywhere: raises ImportError."""
    if name == OTLP:
        return OTLPSpanExporter()
    made: SpanExporter = importlib.import_module("fastmcp_vault.telemetry.zipkin").PatientZipkin()
    return made


def masked_span(span: ReadableSpan) -> ReadableSpan:
    """The span with every text in it cut and masked: its name, attributes, events, links and status."""
    status = span.status
    return ReadableSpan(
        name=_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_masked(span.attributes),
        events=[Event(_text(each.name), _masked(each.attributes), each.timestamp) for each in span.events],
        links=[Link(each.context, _masked(each.attributes)) for each in span.links],
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(status.status_code, _text(status.description) if status.description else None),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _masked(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in (attributes or {}).items() if name != _STACK}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str) and name in _URLS:
        return mask_url(value[:TEXT_LIMIT])
    if isinstance(value, str) and name == _QUERY:
        return mask_query(value, limit=TEXT_LIMIT)
    if isinstance(value, str):
        return str(mask_value(name.rpartition(".")[2], value, limit=TEXT_LIMIT))
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, Sequence):
        return [_value(name, each) for each in value]
    return value


def _text(text: str) -> str:
    return mask_text(text, limit=TEXT_LIMIT)
