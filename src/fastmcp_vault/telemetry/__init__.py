"""OpenTelemetry for one process: its spans go where the standard variables say, masked; without them nothing begins.

Needs the extra ``otel``. Set ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``), and whatever
else OpenTelemetry's SDK reads: sampler, headers, time limits, batches.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping

from fastmcp_vault.errors import ConfigError

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_OFF = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"}


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether these variables ask for spans."""
    if any(environ.get(name, "").strip().lower() == value for name, value in _OFF.items()):
        return False
    return any(environ.get(name, "").strip() for name in ENDPOINTS)


def start(service: str) -> bool:
    """Send this process's spans from now on, as ``OTEL_SERVICE_NAME`` or ``service``; whether the environment asks so.

    Once per process, after any fork: the sending thread does not outlive one. What is left is sent at the end of the
    process. Raises ConfigError where the extra ``otel`` is not installed.
    """
    if not wanted(os.environ):
        return False
    try:
        sending = importlib.import_module("fastmcp_vault.telemetry.sending")
    except ImportError as error:
        raise ConfigError(
            "An OpenTelemetry endpoint is set, and OpenTelemetry's SDK is not installed.",
            fix="Install `fastmcp-vault[otel]`, or unset the variable.",
        ) from error
    sending.begin(os.environ.get("OTEL_SERVICE_NAME") or service)
    return True
