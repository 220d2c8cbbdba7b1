"""Exemplars for Prometheus: beside a bucket of durations, the trace of a call that fell into it (OpenMetrics).

The SDK's reader for Prometheus leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint, MetricsData
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample

Bucket = tuple[str, frozenset[tuple[str, str]]]
"""The name of a histogram, and the labels of one of its buckets."""


class ExemplarReader(PrometheusMetricReader):
    """As its base, and keeps the exemplars of what it read last. ``registry`` has the metrics without them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.exemplars: dict[Bucket, Exemplar] = {}
        super().__init__(scope_info_enabled=False, registry=self.registry)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        # Each exemplar comes once: with the first reading after its call.
        self.exemplars = dict(_of_all(metrics_data)) if metrics_data is not None else {}
        super()._receive_metrics(metrics_data, timeout_millis, **kwargs)


class LinkedMetrics(Collector):
    """The metrics of a reader, its exemplars with them. Only the OpenMetrics format shows these."""

    def __init__(self, reader: ExemplarReader) -> None:
        self._reader = reader

    def collect(self) -> Iterable[Metric]:
        """Read everything once."""
        for family in self._reader.registry.collect():
            if family.type == "histogram":
                family.samples = [self._linked(family.name, sample) for sample in family.samples]
            yield family

    def _linked(self, name: str, sample: Sample) -> Sample:
        found = self._reader.exemplars.get((name, frozenset(sample.labels.items())))
        return sample._replace(exemplar=found) if found is not None else sample


def _of_all(data: MetricsData) -> Iterator[tuple[Bucket, Exemplar]]:
    for part in data.resource_metrics:
        for scope in part.scope_metrics:
            for metric in scope.metrics:
                if isinstance(metric.data, Histogram):
                    # Every duration is in seconds, which Prometheus wants to see in the name.
                    name = f"{metric.name.replace('.', '_')}_seconds"
                    for point in metric.data.data_points:
                        yield from _of_point(name, point)


def _of_point(name: str, point: HistogramDataPoint) -> Iterator[tuple[Bucket, Exemplar]]:
    labels = {key: str(value) for key, value in (point.attributes or {}).items()}
    for one in point.exemplars:
        if one.trace_id is not None and one.span_id is not None:
            bound = next((str(upper) for upper in point.explicit_bounds if one.value <= upper), "+Inf")
            ids = {"trace_id": f"{one.trace_id:032x}", "span_id": f"{one.span_id:016x}"}
            exemplar = Exemplar(ids, one.value, one.time_unix_nano / 1e9)
            yield (name, frozenset({**labels, "le": bound}.items())), exemplar
