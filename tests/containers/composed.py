"""A project of Compose on an engine: its containers, brought up, asked about and taken away."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.containers.engine import Docker

UP_SECONDS = 600
T = TypeVar("T")


class Composed:
    """Compose files, each laid over the one before, with the ``variables`` that they are filled in from."""

    def __init__(
        self, engine: Docker, project: str, files: Sequence[Path], variables: Mapping[str, str], *options: str | Path
    ) -> None:
        self.engine, self.project, self.files = engine, project, tuple(files)
        self.variables, self._options = dict(variables), options

    def __call__(self, *words: str, check: bool = True, given: str = "") -> str:
        """Standard output of ``docker compose …`` for this project, with ``given`` as its standard input."""
        files = [word for file in self.files for word in ("-f", file)]
        own = ("-p", self.project, *files, *self._options)
        return self.engine.compose(*own, *words, variables=self.variables, check=check, given=given)

    def up(self) -> None:
        """Returns when every container is well. Ends the program with what the containers said when one is not."""
        try:
            self("up", "--detach", "--wait", "--wait-timeout", str(UP_SECONDS))
        except SystemExit as failed:
            sys.exit(f"{self('ps', '--all')}\n{self('logs', '--no-color', '--tail', '15')}\n{str(failed)[-500:]}")

    def containers(self) -> dict[str, str]:
        """Each service's container, by the service's name; those that have ended as well."""
        lines = self("ps", "--all", "--format", "json").splitlines()
        return {found["Service"]: found["ID"] for found in map(json.loads, lines)}

    def gone(self) -> None:
        """Take everything away. Ends the program when something is left."""
        self("down", "--volumes", "--remove-orphans")
        label = f"label=com.docker.compose.project={self.project}"
        for listed in (("ps", "--all"), ("volume", "ls"), ("network", "ls")):
            if left := self.engine.run(*listed, "--quiet", "--filter", label):
                sys.exit(f"Left behind by `docker {' '.join(listed)}`: {left}")


def timed(what: str, step: Callable[[], T]) -> T:
    """Do it, and print how long it took."""
    began = time.monotonic()
    done = step()
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)
    return done
