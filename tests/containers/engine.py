"""A Docker engine with Compose: the machine's own, or Debian's, started for as long as it is used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stack.layout import Layout
from stack.lock import alone
from stack.processes import end, wait_until
from tests.support.debian import file_of_package

PLACE = Layout.from_environment().runtime / "containers"
"""Where an engine of our own keeps its images."""

START_SECONDS = 60.0


class Docker:
    """The programs `docker` and `docker compose` (here as ``compose``, its own program), at one engine."""

    def __init__(self, host: str, compose: Sequence[str]) -> None:
        # Plain `docker build`, which needs no plugin; Compose brings the newer builder itself.
        self.environment = {**os.environ, "DOCKER_BUILDKIT": "0"} | ({"DOCKER_HOST": host} if host else {})
        self._compose = compose

    def run(self, *words: str | Path, check: bool = True) -> str:
        """Standard output of ``docker …``. Ends the program with docker's own words when it fails."""
        return self._run(["docker", *words], {}, check)

    def compose(self, *words: str | Path, variables: Mapping[str, str], check: bool = True, given: str = "") -> str:
        """Standard output of ``docker compose …`` with ``variables``; the errors' too, when it fails."""
        return self._run([*self._compose, *words], {"DOCKER_BUILDKIT": "1", **variables}, check, given)

    def serves(self) -> bool:
        """Whether the engine answers."""
        return bool(self.run("version", "--format", "{{.Server.Version}}", check=False).strip())

    def has(self, image: str) -> bool:
        """Whether the engine holds this image."""
        return bool(self.run("image", "ls", "--quiet", image).strip())

    def _run(self, command: list[str | Path], variables: Mapping[str, str], check: bool, given: str = "") -> str:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=self.environment | dict(variables), input=given
        )
        if done.returncode and check:
            sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout


@contextmanager
def docker(place: Path, *options: str) -> Iterator[Docker]:
    """The engine that is there, or one of our own whose data lies in ``place`` and that ends with the block.

    It waits for another of our own that uses ``place``. ``options``: further ones of our own `dockerd`.
    """
    plugin = subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode == 0
    compose = ["docker", "compose"] if plugin else [str(_compose(place))]
    if subprocess.run(["docker", "version"], check=False, capture_output=True).returncode == 0:
        yield Docker("", compose)
        return
    if not shutil.which("dockerd"):
        sys.exit("There is no Docker engine here, and no `dockerd` to start one: install Debian's `docker.io`.")
    with alone(place / "engine.lock"):
        yield from _own(place, compose, *options)


def _own(place: Path, compose: Sequence[str], *options: str) -> Iterator[Docker]:
    host = f"unix://{place / 'docker.sock'}"
    command: list[str | Path] = [
        "dockerd",
        *options,
        "--host",
        host,
        "--data-root",
        place / "data",
        "--exec-root",
        place / "exec",
    ]
    with (place / "dockerd.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--pidfile", place / "dockerd.pid"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        engine = Docker(host, compose)
        waits = wait_until(time.monotonic() + START_SECONDS, step=0.2)
        if not any(engine.serves() or process.poll() is not None for _ in waits) or process.poll() is not None:
            sys.exit(f"dockerd did not start:\n{(place / 'dockerd.log').read_text()[-2000:]}")
        yield engine
    finally:
        end(process, within=30)


def _compose(place: Path) -> Path:
    """Compose from Debian trixie, as one file; bookworm's own is too old for this project's files."""
    program = place / "docker-compose"
    if not program.exists():
        file_of_package("trixie", "docker-compose", "usr/libexec/docker/cli-plugins/docker-compose", program)
    return program
