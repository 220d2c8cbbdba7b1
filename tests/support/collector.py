"""A collector of the tests' own: takes OTLP over HTTP in this process, and keeps what came: spans, and metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

METRICS_PATH = "/v1/metrics"


class Collector:
    """What was received: each body as it came, and the spans by the service that sent them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []
        self._spans: list[tuple[str, Span]] = []
        self._metrics: list[Metric] = []
        self._taking = threading.Lock()

    def take(self, body: bytes) -> None:
        """One request's spans."""
        read = ExportTraceServiceRequest.FromString(body)
        with self._taking:
            self.bodies.append(body)
            for part in read.resource_spans:
                named = {each.key: each.value.string_value for each in part.resource.attributes}
                self._spans += [(named["service.name"], span) for scope in part.scope_spans for span in scope.spans]

    def take_metrics(self, body: bytes) -> None:
        """One request's metrics."""
        read = ExportMetricsServiceRequest.FromString(body)
        with self._taking:
            self.bodies.append(body)
            self._metrics += [
                metric for part in read.resource_metrics for scope in part.scope_metrics for metric in scope.metrics
            ]

    def metrics(self, name: str) -> list[Metric]:
        """The metric each time that it was sent: an exemplar is sent once."""
        with self._taking:
            return [metric for metric in self._metrics if metric.name == name]

    def of(self, trace_id: str) -> list[tuple[str, Span]]:
        """Service and span of all that belongs to one trace."""
        with self._taking:
            return [(service, span) for service, span in self._spans if span.trace_id.hex() == trace_id]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port, for as long as the block runs."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body, metrics = self.rfile.read(int(self.headers["Content-Length"])), self.path == METRICS_PATH
            (collector.take_metrics if metrics else collector.take)(body)
            self.send_response(200)
            self.end_headers()
            answer = ExportMetricsServiceResponse() if metrics else ExportTraceServiceResponse()
            self.wfile.write(answer.SerializeToString())

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    collector = Collector(f"http://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
