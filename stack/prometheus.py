"""Prometheus as a part of the stack: the project's own configuration and alerts, at the ports of this instance."""

from __future__ import annotations

import shutil

import yaml

from common import host_check
from stack import programs
from stack.answers import answers
from stack.inner_tls import InnerIdentity
from stack.layout import ROOT
from stack.part import Instance, Say
from stack.ports import LOOPBACK
from stack.processes import Launch
from stack.services import SERVICES

FILES = ROOT / "deploy" / "observability"
CONSOLE = "calls.html"
"""The page with the slow calls, which Prometheus serves itself (its console templates)."""

KEPT = "2d"
"""How long it keeps what it has scraped."""


class PrometheusPart:
    """The machine's Prometheus (Debian's package), which answers whatever ``Host`` says.

    So :mod:`common.host_check` has the public port, and Prometheus itself one with TLS for nobody's name.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._port, self._inner = instance.ports["prometheus"], instance.ports["prometheus-inner"]
        self._home = instance.layout.data / "prometheus"

    def prepare(self, say: Say) -> None:
        """Write its configuration anew: ports may have moved."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = yaml.safe_load((FILES / "prometheus.yml").read_text())
        (job,) = config["scrape_configs"]
        job["static_configs"] = [{"targets": targets(self._instance)}]
        (self._home / "prometheus.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        shutil.copy(FILES / "rules.yml", self._home)
        self._console()
        identity = InnerIdentity(self._home)
        identity.make()
        files = {"cert_file": str(identity.pem), "key_file": str(identity.key)}
        (self._home / "web.yml").write_text(yaml.safe_dump({"tls_server_config": files}))

    def _console(self) -> None:
        """The page with the slow calls, its links to this instance's trace store and app."""
        folder = self._home / "consoles"
        folder.mkdir(exist_ok=True)
        page = (FILES / "consoles" / CONSOLE).read_text()
        for name in ("zipkin", "app"):
            page = page.replace(f"@{name}@", f"http://localhost:{self._instance.ports[name]}")
        (folder / CONSOLE).write_text(page)

    def launch(self) -> Launch:
        """``prometheus`` behind the check, readable by pages of its own address alone."""
        return Launch(
            argv=(
                *host_check.command((LOOPBACK, self._port), f"tls:{LOOPBACK}:{self._inner}"),
                str(programs.prometheus()),
                "--config.file=prometheus.yml",
                "--web.config.file=web.yml",
                "--web.console.templates=consoles",
                "--enable-feature=exemplar-storage",
                "--storage.tsdb.path=data",
                f"--storage.tsdb.retention.time={KEPT}",
                f"--web.listen-address={LOOPBACK}:{self._inner}",
                f"--web.external-url=http://localhost:{self._port}/",
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
