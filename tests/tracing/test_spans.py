"""Steps are spans: the same names and times, one id with the trace that people see, and nothing secret in them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from fastmcp_vault import telemetry, tracing
from fastmcp_vault.errors import CredentialMissing
from fastmcp_vault.telemetry.instruments import Instruments
from fastmcp_vault.telemetry.sending import CorrelatedIds, MaskingExporter
from fastmcp_vault.tracing import Recorder, spans
from fastmcp_vault.tracing.served import ServedSpans
from fastmcp_vault.tracing.wire import TracedTransport

SAMPLED = 1
"""The flag of a trace that is kept (W3C Trace Context §3.2.2.5.1)."""

TOKEN = "hvs.CAESIJabcdefghijklmnopqrstuvwxyz"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


def provider(exporter: InMemorySpanExporter, sampler: Sampler) -> TracerProvider:
    made = TracerProvider(sampler=sampler, id_generator=CorrelatedIds())
    made.add_span_processor(SimpleSpanProcessor(MaskingExporter(exporter)))
    return made


@pytest.fixture
def sent() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    made = provider(exporter, ALWAYS_ON)
    spans.use_tracer(made.get_tracer("test"), Instruments(made))
    yield exporter
    spans.use_tracer(None)


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def told(span: ReadableSpan) -> Mapping[str, Any]:
    return span.attributes or {}


def test_an_action_is_a_trace_whose_id_is_the_correlation_id_and_each_step_a_span_of_it(
    sent: InMemorySpanExporter,
) -> None:
    recorder = Recorder("Execute get_issue")
    with tracing.recording(recorder):
        tracing.reused("token-exchange", since=1.0, until=2.0, server="jira", sentence="It still holds.")
        with tracing.step("backend", server="jira") as opened:
            opened.say("get_issue ran.")
            opened.detail(project="PROJ", api_token="abcdefghijklmnop")
    found, backend = by_name(sent), recorder.trace.steps[1]
    action = found["Execute get_issue"]
    assert {f"{span.context.trace_id:032x}" for span in found.values() if span.context} == {recorder.trace.id}
    assert [found[name].parent for name in ("backend", "token-exchange")] == [action.context] * 2
    span = found["backend"]
    assert span.start_time == int(backend.started_at * 1_000_000_000)
    assert span.end_time == int((backend.started_at + backend.duration_ms / 1000) * 1_000_000_000)
    assert told(span)["fastmcp_vault.step.sentence"] == "get_issue ran."
    assert told(span)["fastmcp_vault.step.detail.project"] == "PROJ"
    assert "abcdefghijklmnop" not in str(told(span))
    assert told(found["token-exchange"])["fastmcp_vault.step.status"] == "reused"


def test_a_step_that_fails_says_why_and_shows_no_secret(sent: InMemorySpanExporter) -> None:
    with tracing.recording(Recorder("x")), pytest.raises(CredentialMissing), tracing.step("credential"):
        raise CredentialMissing(f"Nothing at all with {TOKEN}.")
    span = by_name(sent)["credential"]
    assert span.status.status_code is StatusCode.ERROR
    assert told(span)["error.type"] == "credential_missing"
    assert TOKEN not in str(span.status.description)
    assert not span.events


async def test_a_request_carries_the_context_and_its_span_the_address_without_its_secrets(
    sent: InMemorySpanExporter,
) -> None:
    seen: list[httpx2.Headers] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers)
        return httpx2.Response(503)

    recorder = Recorder("x")
    async with httpx2.AsyncClient(transport=TracedTransport(httpx2.MockTransport(answer))) as http:
        with tracing.recording(recorder), tracing.step("backend"):
            await http.get(f"http://h/a?access_token={JWT}&b=1")
    span = by_name(sent)["GET"]
    assert span.context is not None
    version, trace_id, span_id, flags = seen[0]["traceparent"].split("-")
    assert (version, trace_id, span_id) == ("00", recorder.trace.id, f"{span.context.span_id:016x}")
    assert int(flags, 16) & SAMPLED
    assert (span.kind, span.parent) == (SpanKind.CLIENT, by_name(sent)["backend"].context)
    assert told(span)["http.response.status_code"] == 503
    assert told(span)["url.full"].startswith("http://h/a?access_token=")
    assert JWT not in told(span)["url.full"]


async def test_what_instrumentations_put_into_a_span_is_masked_too_and_no_traceback_leaves(
    sent: InMemorySpanExporter,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async with httpx2.AsyncClient(transport=TracedTransport(httpx2.MockTransport(fails))) as http:
            with tracing.recording(Recorder("x")), tracing.step("backend"):
                await http.get(f"http://h/{JWT}?access_token={TOKEN}")

    def fails(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError(f"no answer to {TOKEN}", request=request)

    headers = [(b"host", b"localhost"), (b"user-agent", f"agent {TOKEN}".encode())]
    scope = {"type": "http", "method": "GET", "path": f"/login/{JWT}", "query_string": b"code=abcdefghijklmnop&n=1"}
    with pytest.raises(httpx2.ReadError):
        await ServedSpans(app)({**scope, "headers": headers, "server": ("h", 80)}, None, None)  # type: ignore[arg-type]
    made = sent.get_finished_spans()
    assert {span.kind for span in made} == {SpanKind.SERVER, SpanKind.INTERNAL, SpanKind.CLIENT}
    assert len(made) == 3, "one span for each thing"
    everything = "".join(span.to_json() for span in made)
    assert [secret for secret in (JWT, TOKEN, "abcdefghijklmnop", "Traceback") if secret in everything] == []
    (request,) = [span for span in made if span.kind is SpanKind.CLIENT]
    assert told(request)["error.type"] == "ReadError"
    assert told(request)["server.address"] == "h"


async def test_what_a_sampler_leaves_out_is_still_one_trace_for_whom_it_calls() -> None:
    exporter, seen = InMemorySpanExporter(), []
    made = provider(exporter, ALWAYS_OFF)
    spans.use_tracer(made.get_tracer("test"), Instruments(made))
    try:
        recorder = Recorder("x")

        def answer(request: httpx2.Request) -> httpx2.Response:
            seen.append(request.headers["traceparent"])
            return httpx2.Response(200)

        async with httpx2.AsyncClient(transport=TracedTransport(httpx2.MockTransport(answer))) as http:
            with tracing.recording(recorder), tracing.step("backend"):
                await http.get("http://h/")
                assert not spans.sampled()
    finally:
        spans.use_tracer(None)
    assert seen[0].startswith(f"00-{recorder.trace.id}-")
    assert not int(seen[0].rpartition("-")[2], 16) & SAMPLED
    assert not exporter.get_finished_spans()


@pytest.mark.parametrize("continued", [False, True])
async def test_a_request_served_goes_on_with_the_trace_that_it_brings(
    sent: InMemorySpanExporter, continued: bool
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with tracing.recording(Recorder("served", correlation_id="click-1")):
            await send({"type": "http.response.start", "status": 204, "headers": []})

    async def send(message: Any) -> None:
        return

    brought = f"00-{'a' * 32}-{'b' * 16}-01"
    door = ServedSpans(app, continued=continued)
    for headers in ([], [(b"traceparent", brought.encode())], [(b"traceparent", b"\xff" * 90)]):
        await door({"type": "http", "method": "POST", "path": "/p", "headers": headers}, None, send)  # type: ignore[arg-type]
    served = [span for span in sent.get_finished_spans() if span.kind is SpanKind.SERVER]
    assert len(served) == (2 if continued else 3)
    (part,) = [span for span in served if span.parent is not None]
    assert part.context is not None
    assert f"{part.context.trace_id:032x}" == "a" * 32
    assert told(part)[spans.CORRELATION_ID] == "click-1"
    assert told(part)["http.response.status_code"] == 204


def test_without_a_tracer_nothing_is_made_or_sent_along() -> None:
    with tracing.recording(Recorder("x")), tracing.step("backend"):
        assert (spans.goes_on(), spans.sampled(), spans.trace_id()) == (False, False, None)


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, {"otlp"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, {"otlp"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, set()),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, {"zipkin"}),
        ({"OTEL_TRACES_EXPORTER": "otlp,zipkin", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, {"otlp", "zipkin"}),
    ],
)
def test_the_standard_variables_decide(variables: dict[str, str], asked: set[str]) -> None:
    assert telemetry.spans_wanted(variables) == asked


def test_where_nothing_is_asked_the_sdk_is_not_even_imported() -> None:
    program = (
        "import sys; from fastmcp_vault import telemetry; assert not telemetry.start('x');"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.sdk')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": "src"}, timeout=60)
