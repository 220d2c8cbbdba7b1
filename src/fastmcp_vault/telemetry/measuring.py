"""OpenTelemetry's metrics as this library sets them up: sent by OTLP, or served to Prometheus on a port of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

from fastmcp_vault import metrics
from fastmcp_vault.errors import ConfigError
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.telemetry import OTLP, PROMETHEUS
from fastmcp_vault.telemetry.exemplars import ExemplarReader, LinkedMetrics
from fastmcp_vault.telemetry.resource import resource

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})

DEFAULT_PORT = 9464
"""OpenTelemetry's for Prometheus, where ``OTEL_EXPORTER_PROMETHEUS_PORT`` is not set."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def begin(service: str, exporters: Collection[str], *more: MetricReader) -> MeterProvider:
    """Keep metrics of ``service`` from now on, for these exporters (``otlp``, ``prometheus``) and for readers given.

    Raises ConfigError where the port for Prometheus cannot be had.
    """
    readers = list(more)
    if OTLP in exporters:
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    if PROMETHEUS in exporters:
        reader, registry = ExemplarReader(), CollectorRegistry()
        readers.append(reader)
        registry.register(LinkedMetrics(reader))
        serve(registry, os.environ)
    provider = MeterProvider(readers, resource(service))
    metrics.use_meter(provider.get_meter("fastmcp_vault"))
    return provider


def serve(registry: CollectorRegistry, environ: Mapping[str, str]) -> int:
    """Serve ``/metrics`` from a thread of its own, on loopback unless told otherwise; returns the port."""
    host = environ.get("OTEL_EXPORTER_PROMETHEUS_HOST") or "localhost"
    port = environ.get("OTEL_EXPORTER_PROMETHEUS_PORT") or str(DEFAULT_PORT)
    app = make_wsgi_app(registry)
    try:
        bound = "127.0.0.1" if host == "localhost" else host
        own = own_host(app) if host in LOOPBACK else app
        server = make_server(bound, int(port), own, ThreadingWSGIServer, _Silent)
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError(
            Sentence("Metrics cannot be served on {host} port {port}.", host=host, port=port),
            fix="Set OTEL_EXPORTER_PROMETHEUS_PORT to a free port of this machine.",
        ) from error
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_port)


def own_host(app: Application) -> Application:
    """``app`` for requests to this machine by name: a web page whose name leads here reads nothing (DNS rebinding)."""

    def checked(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        name, _, port = environ.get("HTTP_HOST", "").rpartition(":")
        if (name or port).lower() in LOOPBACK:
            return app(environ, start_response)
        start_response("421 Misdirected Request", [("Content-Type", "text/plain")])
        return [b"Not a name of this server.\n"]

    return checked


class _Silent(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
