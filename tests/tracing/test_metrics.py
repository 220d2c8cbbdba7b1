"""What is counted: declared labels and no others, a bounded number of each, nothing where no meter is given."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from fastmcp.tools import ToolResult
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics import exposition as openmetrics

from fastmcp_vault import metrics, telemetry, tracing
from fastmcp_vault.circuit import Circuit, watched
from fastmcp_vault.errors import ConfigError, CredentialMissing, VaultUnavailable
from fastmcp_vault.server.failures import told
from fastmcp_vault.server.trace import outcome_of
from fastmcp_vault.telemetry import measuring
from fastmcp_vault.telemetry.exemplars import ExemplarReader, LinkedMetrics
from fastmcp_vault.tracing import Recorder


@pytest.fixture
def reader() -> Iterator[InMemoryMetricReader]:
    made = InMemoryMetricReader()
    provider = measuring.begin("test", (), made)
    yield made
    metrics.use_meter(None)
    provider.shutdown()
    for seen in (values for instrument in metrics.INSTRUMENTS for values in instrument._seen.values()):
        seen.clear()


def points(reader: InMemoryMetricReader, name: str) -> list[Any]:
    data = reader.get_metrics_data()
    found = [m for part in (data.resource_metrics if data else ()) for s in part.scope_metrics for m in s.metrics]
    return [point for metric in found if metric.name == name for point in metric.data.data_points]


def test_a_label_has_a_bounded_number_of_values_whatever_callers_send(reader: InMemoryMetricReader) -> None:
    for number in range(10 * metrics.LABEL_VALUES):
        metrics.REFUSALS.add(server="jira", reason=f"invented-{number}")
    kept = points(reader, metrics.REFUSALS.name)
    assert len({point.attributes["reason"] for point in kept}) == metrics.LABEL_VALUES + 1
    assert sum(point.value for point in kept) == 10 * metrics.LABEL_VALUES


def test_a_label_that_is_not_declared_is_a_fault_of_the_program(reader: InMemoryMetricReader) -> None:
    with pytest.raises(ValueError, match="has the labels server, reason"):
        metrics.REFUSALS.add(server="jira", reason="x", username="alice")


def test_no_instrument_has_a_label_for_a_person() -> None:
    labels = {label for instrument in metrics.INSTRUMENTS for label in instrument.labels}
    assert labels == {"server", "tool", "outcome", "reason", "step", "status", "part", "audience"}


def test_steps_are_measured_recorded_or_not(reader: InMemoryMetricReader) -> None:
    for recorder in (None, Recorder("x")):
        with tracing.recording(recorder):
            tracing.reused("vault-login", since=1.0, server="jira")
            with pytest.raises(CredentialMissing), tracing.step("credential", server="jira"):
                raise CredentialMissing("Nothing.")
    counted = {
        (p.attributes["step"], p.attributes["status"], p.attributes["reason"]): p.count
        for p in points(reader, metrics.STEPS.name)
    }
    assert counted == {("vault-login", "reused", ""): 2, ("credential", "failed", "credential_missing"): 2}


def test_an_open_circuit_is_seen_while_it_is_watched(reader: InMemoryMetricReader) -> None:
    circuit = Circuit("vault", threshold=1)
    with pytest.raises(VaultUnavailable), circuit.asking():
        raise VaultUnavailable("Away.")
    with watched("jira", {"vault": circuit, "keycloak": Circuit("keycloak")}):
        read = {p.attributes["part"]: p.value for p in points(reader, metrics.CIRCUITS.name)}
    assert read == {"vault": 1.0, "keycloak": 0.0}
    assert not points(reader, metrics.CIRCUITS.name)


def test_calls_are_in_flight_until_they_are_answered_whatever_the_answer(reader: InMemoryMetricReader) -> None:
    def under_way() -> list[int]:
        return [point.value for point in points(reader, metrics.IN_FLIGHT.name)]

    def fail() -> None:
        with metrics.IN_FLIGHT.one(server="jira"), metrics.IN_FLIGHT.one(server="jira"):
            assert under_way() == [2]
            raise RuntimeError("unforeseen")

    with pytest.raises(RuntimeError, match="unforeseen"):
        fail()
    assert under_way() == [0]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CredentialMissing("Nothing."), ("refused", "credential_missing")),
        (VaultUnavailable("Away."), ("failed", "vault_unavailable")),
        (RuntimeError("unforeseen"), ("failed", "internal")),
    ],
)
def test_a_call_is_refused_or_failed_by_its_problem(error: Exception, outcome: tuple[str, str]) -> None:
    assert outcome_of(told(error, tool="t")) == outcome
    assert outcome_of(ToolResult(content=[])) == ("done", "")


def test_prometheus_is_served_by_the_names_of_this_machine_alone() -> None:
    port = measuring.serve(CollectorRegistry(), {"OTEL_EXPORTER_PROMETHEUS_PORT": "0"})
    for host, status in (
        ("localhost", 200),
        (f"127.0.0.1:{port}", 200),
        ("evil.example", 421),
        (f"localhost.x:{port}", 421),
    ):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Host": host})
        try:
            answered = urllib.request.urlopen(request, timeout=10).status
        except urllib.error.HTTPError as error:
            answered = error.code
            error.close()
        assert answered == status, host
    with pytest.raises(ConfigError, match=f"localhost port {port}"):
        measuring.serve(CollectorRegistry(), {"OTEL_EXPORTER_PROMETHEUS_PORT": str(port)})


def test_a_bucket_leads_to_the_trace_of_a_call_in_it() -> None:
    reader, registry = ExemplarReader(), CollectorRegistry()
    registry.register(LinkedMetrics(reader))
    provider = measuring.begin("test", (), reader)
    tracer = TracerProvider().get_tracer("test")
    try:
        with tracer.start_as_current_span("a call") as span:
            metrics.CALLS.record(0.3, server="jira", tool="get_issue", outcome="done", reason="")
            metrics.REFUSALS.add(server="jira", reason="session_ended")
        metrics.CALLS.record(20.0, server="jira", tool="get_issue", outcome="failed", reason="internal")
        shown = openmetrics.generate_latest(registry).decode().splitlines()
        again = openmetrics.generate_latest(registry).decode()
    finally:
        metrics.use_meter(None)
        provider.shutdown()
    linked = [line for line in shown if " # {" in line]
    assert len(linked) == 1, "what happened outside a trace leads nowhere"
    series, _, exemplar = linked[0].partition(" # ")
    assert series.startswith("fastmcp_vault_call_duration_seconds_bucket{")
    assert 'le="0.5"' in series
    assert f'trace_id="{span.get_span_context().trace_id:032x}"' in exemplar
    assert "} 0.3 " in exemplar
    assert "# {" not in again, "each call is told once"


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, set()),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, {"prometheus"}),
        (
            {"OTEL_METRICS_EXPORTER": "prometheus, otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"},
            {"otlp", "prometheus"},
        ),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c"}, {"otlp"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "none"}, set()),
        ({"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_SDK_DISABLED": "true"}, set()),
    ],
)
def test_the_standard_variables_decide(variables: dict[str, str], asked: set[str]) -> None:
    assert telemetry.metrics_wanted(variables) == asked
