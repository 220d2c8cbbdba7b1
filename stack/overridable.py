"""Settings that every service takes from the environment of whoever starts the stack."""

from __future__ import annotations

TRACES = "OTEL_TRACES_EXPORTER"
"""Environment variable: where spans go (OpenTelemetry); `zipkin` for that of the stack."""

ZIPKIN = "OTEL_EXPORTER_ZIPKIN_ENDPOINT"
"""Environment variable: the address of a Zipkin (OpenTelemetry)."""

METRICS = "OTEL_METRICS_EXPORTER"
"""Environment variable: where metrics go (OpenTelemetry); `prometheus` for a port of its own at each process."""

OVERRIDABLE = (
    "PROFILE",
    "LOG_FORMAT",
    "JIRA_URL",
    "GITHUB_API_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    TRACES,
    METRICS,
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "FASTMCP_TELEMETRY_MODE",
)
"""Settings that a service takes from the caller's own environment when they are there."""
