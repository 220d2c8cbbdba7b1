"""OpenTelemetry for one process: spans and metrics go where the standard variables say; without them nothing begins.

Needs the extra ``otel``. Set ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or the one for ``TRACES`` or ``METRICS`` alone), and
whatever else OpenTelemetry's SDK reads: sampler, headers, time limits, batches. ``OTEL_METRICS_EXPORTER=prometheus``
serves the metrics at ``/metrics`` of ``OTEL_EXPORTER_PROMETHEUS_HOST`` and ``_PORT``; ``otlp,prometheus`` does both.
``OTEL_TRACES_EXPORTER=zipkin`` sends the spans to Zipkin: see :mod:`fastmcp_vault.telemetry.zipkin`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping

from fastmcp_vault.errors import ConfigError

OTLP, PROMETHEUS, ZIPKIN = "otlp", "prometheus", "zipkin"

_OF_ITS_OWN = {"TRACES": ZIPKIN, "METRICS": PROMETHEUS}
"""The exporter of a signal that needs no OTLP endpoint."""


def spans_wanted(environ: Mapping[str, str]) -> frozenset[str]:
    """Where these variables ask the spans to go: ``otlp``, ``zipkin``, both or nowhere."""
    return _exporters(environ, "TRACES")


def metrics_wanted(environ: Mapping[str, str]) -> frozenset[str]:
    """Where these variables ask the metrics to go: ``otlp``, ``prometheus``, both or nowhere."""
    return _exporters(environ, "METRICS")


def start(service: str) -> bool:
    """Send this process's spans and metrics from now on, as ``OTEL_SERVICE_NAME`` or ``service``; whether the
    environment asks for any.

    Once per process, after any fork: the sending threads do not outlive one. What is left is sent at the end of the
    process. Raises ConfigError where the extra ``otel`` is not installed, or the port for Prometheus cannot be had.
    """
    spans, metrics = spans_wanted(os.environ), metrics_wanted(os.environ)
    if not spans and not metrics:
        return False
    name = os.environ.get("OTEL_SERVICE_NAME") or service
    try:
        if spans:
            importlib.import_module("fastmcp_vault.telemetry.sending").begin(name, spans)
        if metrics:
            importlib.import_module("fastmcp_vault.telemetry.measuring").begin(name, metrics)
    except ImportError as error:
        raise ConfigError(
            "OpenTelemetry is asked for by OTEL_… variables, and its SDK is not installed.",
            fix="Install `fastmcp-vault[otel]`, or unset the variables.",
        ) from error
    return True


def _exporters(environ: Mapping[str, str], signal: str) -> frozenset[str]:
    """The exporters of ``TRACES`` or ``METRICS`` that can work with these variables."""

    def given(name: str) -> str:
        return environ.get(name, "").strip()

    if given("OTEL_SDK_DISABLED").lower() == "true":
        return frozenset()
    named = {one.strip().lower() for one in given(f"OTEL_{signal}_EXPORTER").split(",")} - {""}
    endpoint = given("OTEL_EXPORTER_OTLP_ENDPOINT") or given(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    possible = ({OTLP} if endpoint else set()) | {_OF_ITS_OWN[signal]}
    return frozenset((named or {OTLP}) & possible)
