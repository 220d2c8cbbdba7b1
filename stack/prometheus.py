"""Prometheus as a part of the stack: the project's own configuration and alerts, at the ports of this instance."""

from __future__ import annotations

import shutil

import yaml

from stack import programs
from stack.answers import answers
from stack.layout import ROOT
from stack.part import Instance, Say
from stack.ports import LOOPBACK
from stack.processes import Launch
from stack.services import SERVICES

FILES = ROOT / "deploy" / "observability"
KEPT = "2d"
"""How long it keeps what it has scraped."""


class PrometheusPart:
    """The machine's Prometheus (Debian's package). It holds numbers and no person's name, and checks no ``Host``."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._port = instance.ports["prometheus"]
        self._home = instance.layout.data / "prometheus"

    def prepare(self, say: Say) -> None:
        """Write its configuration anew: ports may have moved."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = yaml.safe_load((FILES / "prometheus.yml").read_text())
        (job,) = config["scrape_configs"]
        job["static_configs"] = [{"targets": targets(self._instance)}]
        (self._home / "prometheus.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        shutil.copy(FILES / "rules.yml", self._home)

    def launch(self) -> Launch:
        """``prometheus`` on loopback, readable by pages of its own address alone."""
        return Launch(
            argv=(
                str(programs.prometheus()),
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                f"--storage.tsdb.retention.time={KEPT}",
                f"--web.listen-address={LOOPBACK}:{self._port}",
                f"--web.cors.origin=http://localhost:{self._port}",
                "--log.level=warn",
            ),
            cwd=self._home,
        )

    def ready(self) -> bool:
        """True once it serves (Prometheus management API: /-/ready)."""
        return answers(self._port, "/-/ready")


def targets(instance: Instance) -> list[str]:
    """Where the processes of an instance serve their metrics."""
    return [f"localhost:{instance.ports[service.metrics]}" for service in SERVICES if service.metrics]
