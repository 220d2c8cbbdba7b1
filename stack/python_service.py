"""A Python process of this project as a part of the stack: its module, its own settings, its health check."""

from __future__ import annotations

import http.client
import os
import ssl
import sys

from stack.part import Instance, Say
from stack.ports import LOOPBACK
from stack.processes import Launch
from stack.services import OVERRIDABLE, Service


class PythonService:
    """``python -m <module>`` with the environment that the service list gives it."""

    def __init__(self, instance: Instance, service: Service) -> None:
        self._instance = instance
        self._service = service

    def prepare(self, say: Say) -> None:
        """Nothing to make: these processes wait by themselves for what they need."""

    def launch(self) -> Launch:
        """The interpreter of this very environment."""
        return Launch(
            argv=(sys.executable, "-m", *self._service.module),
            cwd=self._instance.layout.root,
            module=self._service.module,
            env=environment(self._instance, self._service),
        )

    def ready(self) -> bool:
        """True once its health check answers 200; a one-shot is never "ready", it ends."""
        if not self._service.ports:
            return False
        ports = {name: self._instance.ports[name] for name in self._service.ports}
        return all(self._answers(port, tls=name in self._service.tls) for name, port in ports.items())

    def _answers(self, port: int, *, tls: bool) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        if tls:
            # Whether it serves, not whose it is: nothing is sent, and nothing of the answer is used.
            connection = http.client.HTTPSConnection(LOOPBACK, port, timeout=5, context=_unverified())
        try:
            connection.request("GET", self._service.health, headers={"Host": f"localhost:{port}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def environment(instance: Instance, service: Service) -> dict[str, str]:
    """One process's own environment: its settings, its secrets, and what the caller may override."""
    filled = {name: instance.fill(value) for name, value in {**service.env, **service.secrets}.items()}
    chosen = {name: os.environ[name] for name in (*OVERRIDABLE, *service.takes) if name in os.environ}
    return filled | chosen | _metrics(instance, service)


def _metrics(instance: Instance, service: Service) -> dict[str, str]:
    """Where Prometheus finds this process's metrics, if they are asked for, and it has a port for them."""
    asked = os.environ.get("OTEL_METRICS_EXPORTER", "")
    if service.metrics:
        port = str(instance.ports[service.metrics])
        return {"OTEL_METRICS_EXPORTER": asked, "OTEL_EXPORTER_PROMETHEUS_PORT": port} if asked else {}
    return {"OTEL_METRICS_EXPORTER": ",".join(set(asked.split(",")) - {"prometheus"}) or "none"} if asked else {}
