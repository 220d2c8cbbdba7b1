"""A Python process of this project as a part of the stack: its module, its own settings, its health check."""

from __future__ import annotations

import os
import sys

from stack import room
from stack.answers import answers
from stack.overridable import METRICS, OVERRIDABLE, TRACES, ZIPKIN
from stack.part import Instance, Say
from stack.processes import Launch
from stack.service import Service
from stack.services import FRONT


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
        if self._instance.room and self._service.name == FRONT:
            where, address = room.bind(self._instance.room), self._instance.room.address
            return answers(ports["room"], self._service.health, tls=True, at=where, host=address)
        return all(answers(port, self._service.health, tls=name in self._service.tls) for name, port in ports.items())


def environment(instance: Instance, service: Service) -> dict[str, str]:
    """One process's own environment: its settings, its secrets, and what the caller may override."""
    filled = {name: instance.fill(value) for name, value in {**service.env, **service.secrets}.items()}
    chosen = {name: os.environ[name] for name in (*OVERRIDABLE, *service.takes) if name in os.environ}
    return filled | room.settings(instance, service) | _traces(instance) | chosen | _metrics(instance, service)


def _traces(instance: Instance) -> dict[str, str]:
    """Where Zipkin takes spans, if they are to go to one: this instance's, unless the caller names another."""
    if "zipkin" not in os.environ.get(TRACES, "").split(","):
        return {}
    own = f"http://localhost:{instance.ports['zipkin']}/api/v2/spans"
    return {ZIPKIN: os.environ.get(ZIPKIN) or own}


def _metrics(instance: Instance, service: Service) -> dict[str, str]:
    """Where Prometheus finds this process's metrics, if they are asked for, and it has a port for them."""
    asked = os.environ.get(METRICS, "")
    if service.metrics:
        port = str(instance.ports[service.metrics])
        return {METRICS: asked, "OTEL_EXPORTER_PROMETHEUS_PORT": port} if asked else {}
    return {METRICS: ",".join(set(asked.split(",")) - {"prometheus"}) or "none"} if asked else {}
