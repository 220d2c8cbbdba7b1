"""Spans to Zipkin (its API v2, JSON), for who has no collector: ``OTEL_TRACES_EXPORTER=zipkin``.

Needs the package ``opentelemetry-exporter-zipkin-json``. They go to ``OTEL_EXPORTER_ZIPKIN_ENDPOINT``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import requests
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk.trace.export import SpanExportResult

_log = logging.getLogger(__name__)


class PatientZipkin(ZipkinExporter):
    """Loses what cannot be sent, and says so in a line: its base raises."""

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        """Send, once."""
        try:
            return super().export(spans)
        except requests.RequestException as error:
            _log.warning("%s spans could not be sent to Zipkin: %s", len(spans), error)
            return SpanExportResult.FAILURE
