"""A Python process of this project as a part of the stack: its module, its own settings, its health check."""

from __future__ import annotations

import http.client
import os
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
            env=environment(self._instance, self._service),
        )

    def ready(self) -> bool:
        """True once its health check answers 200; a one-shot is never "ready", it ends."""
        if not self._service.ports:
            return False
        return all(self._answers(self._instance.ports[name]) for name in self._service.ports)

    def _answers(self, port: int) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        try:
            connection.request("GET", self._service.health, headers={"Host": f"localhost:{port}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def environment(instance: Instance, service: Service) -> dict[str, str]:
    """One process's own environment: its settings, its secrets, and what the caller may override."""
    filled = {name: instance.fill(value) for name, value in {**service.env, **service.secrets}.items()}
    chosen = {name: os.environ[name] for name in OVERRIDABLE if name in os.environ}
    return filled | chosen
