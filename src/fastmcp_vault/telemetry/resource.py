"""Who sends: the resource that spans and metrics of one process have in common (OpenTelemetry, Resource SDK)."""

from __future__ import annotations

import os
import socket

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource


def resource(service: str) -> Resource:
    """``service``, this replica of it, and what ``OTEL_RESOURCE_ATTRIBUTES`` adds."""
    return Resource.create({SERVICE_NAME: service, SERVICE_INSTANCE_ID: f"{socket.gethostname()}/{os.getpid()}"})
