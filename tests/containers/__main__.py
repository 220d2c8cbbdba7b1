"""The compose files on a Docker engine: ``.venv/bin/python -m tests.containers``.

Builds, brings everything up, does the README's second scenario by a script, brings it up again (nothing is made anew),
ends every container's process in turn and waits until it is well again, stops and starts with the data kept, and takes
everything away. On free ports of its own, beside whatever runs. Needs root where it has to start an engine.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import yaml

from stack.layout import ROOT
from stack.ports import free_offset
from stack.processes import wait_until
from stack.services import PORTS
from tests.containers.engine import PLACE, Docker, docker
from tests.containers.images import OFFICIAL, provide

PROJECT = "mcp-remote-vault-test"
UP_SECONDS = 600
T = TypeVar("T")
BACK_SECONDS = 300.0


class Composed:
    """The project's compose file, its published ports moved by ``offset``."""

    def __init__(self, engine: Docker, offset: int) -> None:
        self.engine, self.offset = engine, offset
        services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        moved = [
            f"  {name}:\n    ports: !override [{', '.join(map(self._moved, service['ports']))}]\n"
            for name, service in services.items()
            if "ports" in service
        ]
        self._ports = PLACE / "ports.yml"
        self._ports.write_text("services:\n" + "".join(moved))
        example = (ROOT / ".env.example").read_text()
        public = re.findall(r"^([A-Z_]+_PUBLIC_URL)=(https?://localhost):(\d+)$", example, re.MULTILINE)
        self._variables = {name: f"{host}:{int(port) + offset}" for name, host, port in public}
        self._variables |= {"VAULT_IMAGE": OFFICIAL["openbao"], "IMAGE_TAG": "test"}

    def __call__(self, *words: str, check: bool = True) -> str:
        """Standard output of ``docker compose …`` for this project."""
        files = ["-f", ROOT / "docker-compose.yml", "-f", self._ports]
        return self.engine.compose("-p", PROJECT, *files, *words, variables=self._variables, check=check)

    def up(self) -> None:
        """Returns when every container is well."""
        self("up", "--detach", "--wait", "--wait-timeout", str(UP_SECONDS))

    def containers(self) -> dict[str, str]:
        """Each service's container, by the service's name; those that have ended as well."""
        lines = self("ps", "--all", "--format", "json").splitlines()
        return {found["Service"]: found["ID"] for found in map(json.loads, lines)}

    def port(self, name: str) -> str:
        """A published port."""
        return str(PORTS[name] + self.offset)

    def _moved(self, published: str) -> str:
        host, outside, inside = published.split(":")
        return f'"{host}:{int(outside) + self.offset}:{inside}"'


def main() -> int:
    """1, with what is wrong, when something is not as it should be."""
    PLACE.mkdir(parents=True, exist_ok=True, mode=0o700)
    with docker(PLACE) as engine:
        standins = timed("images", lambda: provide(engine, PLACE))
        print("stand-ins for: " + ", ".join(standins) if standins else "official images", flush=True)
        compose = Composed(engine, free_offset(PORTS.values()))
        try:
            timed("build", lambda: compose("build", "--quiet"))
            timed("up", compose.up)
            scenario(compose)
            again(compose)
            for name in sorted(compose.containers().keys() - {"init"}):
                ended(compose, name)
            scenario(compose)
            compose("down")
            timed("up with the data of before", compose.up)
            scenario(compose)
        finally:
            compose("down", "--volumes", "--remove-orphans")
        left = engine.run("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
        volumes = engine.run("volume", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
        if left or volumes:
            sys.exit(f"Left behind: {left} {volumes}")
    print("All good.")
    return 0


def timed(what: str, step: Callable[[], T]) -> T:
    """Do it, and print how long it took."""
    began = time.monotonic()
    done = step()
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)
    return done


def scenario(compose: Composed) -> None:
    """alice gets her issue and bob a clear refusal (tests/fresh/scenario.py)."""
    command = [sys.executable, "-m", "tests.fresh.scenario", compose.port("mcp-jira"), compose.port("app")]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def again(compose: Composed) -> None:
    """A second ``up`` leaves every container but ``init`` as it is."""
    before = compose.containers()
    compose.up()
    after = compose.containers()
    if changed := sorted(name for name in before if before[name] != after.get(name) and name != "init"):
        sys.exit(f"A second `up` made anew: {', '.join(changed)}")


def ended(compose: Composed, name: str) -> None:
    """End a container's process as a crash would, and wait until everything is well again."""
    container = compose.containers()[name]
    before = int(compose.engine.run("inspect", "--format", "{{.State.Pid}}", container))
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    if not any(well(compose, container, before) for _ in wait_until(began + BACK_SECONDS, step=0.5)):
        sys.exit(f"{name} did not come back: {compose('ps', '--all')}")
    print(f"{name} was killed: back after {time.monotonic() - began:.0f} s", flush=True)


def well(compose: Composed, killed: str, before: int) -> bool:
    """The killed one runs again, as another process, and every container says that it is well."""
    ids = compose.containers().values()
    states = {found["Id"]: found["State"] for found in json.loads(compose.engine.run("inspect", *ids))}
    again = next(state for container, state in states.items() if container.startswith(killed))
    return again["Running"] and again["Pid"] not in (0, before) and all(map(_is_well, states.values()))


def _is_well(state: dict[str, Any]) -> bool:
    if state["Status"] == "exited":
        return state["ExitCode"] == 0
    return state["Status"] == "running" and state.get("Health", {}).get("Status", "healthy") == "healthy"


if __name__ == "__main__":
    sys.exit(main())
