"""The compose files on a Docker engine: ``.venv/bin/python -m tests.containers [--quick] [images|demo|production]``.

Builds, brings everything up, does both scenarios of the README in Chromium, brings it up again (nothing is made anew),
ends every container's process in turn and waits until it is well again, stops and starts with the data kept, and takes
everything away. Then the same with docker-compose.production.yml on top, through TLS (tests/containers/production.py).
``--quick`` ends some containers at once and does nothing twice; ``images`` only makes every image, for a later run. On
free ports of its own, beside whatever runs. Needs root where it has to start an engine, and Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from stack.layout import ROOT
from stack.ports import free_offset
from stack.processes import wait_until
from stack.services import PORTS
from tests.browser import test_scenarios as scenarios
from tests.containers.composed import Composed, timed
from tests.containers.engine import PLACE, Docker, docker
from tests.containers.images import OFFICIAL, provide
from tests.containers.production import production
from tests.containers.shape import look
from tests.support.browser import arrivals, started
from tests.support.people import read_users

PROJECT = "mcp-remote-vault-test"
BACK_SECONDS = 300.0
QUICK = ("vault", "postgres", "mcp-jira")
"""Whose end `--quick` tries: what is sealed then, what everybody waits for, and one of the servers."""


def main() -> int:
    """1, with what is wrong, when something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="?", choices=("images", "demo", "production"), help="one of them alone")
    parser.add_argument("--quick", action="store_true", help="what CI runs each time")
    options = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True, mode=0o700)
    with docker(PLACE) as engine, tempfile.TemporaryDirectory() as folder:
        # What containers are given to read lies here, and is not theirs.
        Path(folder).chmod(0o755)
        standins = timed("images", lambda: provide(engine, PLACE))
        print("stand-ins for: " + ", ".join(standins) if standins else "official images", flush=True)
        if options.which == "images":
            timed("build", lambda: moved(engine, Path(folder), 0)("build", "--quiet"))
        if options.which in (None, "demo"):
            demo(engine, Path(folder), quick=options.quick)
        if options.which in (None, "production"):
            production(engine, Path(folder))
    print("All good.")
    return 0


def demo(engine: Docker, place: Path, *, quick: bool) -> None:
    """docker-compose.yml as it is. Ends the program, or raises, when something is not as it should be."""
    offset = free_offset(PORTS.values())
    compose = moved(engine, place, offset)
    compose.gone()
    try:
        timed("build", lambda: compose("build", "--quiet"))
        look(engine)
        timed("up", compose.up)
        timed("both scenarios in Chromium", lambda: in_chromium(offset))
        if quick:
            ended(compose, *QUICK)
            return
        again(compose)
        for name in sorted(compose.containers().keys() - {"init"}):
            ended(compose, name)
        compose("down")
        timed("up with the data of before", compose.up)
        timed("both scenarios in Chromium", lambda: in_chromium(offset))
    finally:
        compose.gone()


def in_chromium(offset: int) -> None:
    """The README's two scenarios, by the browser tests that the stack is tested with."""
    people = read_users(ROOT / "init" / "users.yaml")
    with started() as browser, arrivals(browser, f"http://localhost:{PORTS['app'] + offset}") as arrive:
        scenarios.test_isolation_alice_and_bob_see_their_own_and_nothing_of_each_other(
            arrive, people["alice"], people["bob"]
        )
        scenarios.test_get_issue_brings_the_issue_with_alices_credential(arrive, people["alice"])


def moved(engine: Docker, place: Path, offset: int) -> Composed:
    """docker-compose.yml, what it publishes moved by ``offset``."""
    files = (ROOT / "docker-compose.yml", moved_ports(place, offset))
    return Composed(engine, PROJECT, files, moved_addresses(offset))


def moved_ports(place: Path, offset: int) -> Path:
    """A file that publishes the demo's ports elsewhere, to lay over the demo's."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

    def elsewhere(published: str) -> str:
        host, outside, inside = published.split(":")
        return f'"{host}:{int(outside) + offset}:{inside}"'

    lines = [
        f"  {name}:\n    ports: !override [{', '.join(map(elsewhere, service['ports']))}]\n"
        for name, service in services.items()
        if "ports" in service
    ]
    file = place / "ports.yml"
    file.write_text("services:\n" + "".join(lines))
    return file


def moved_addresses(offset: int) -> dict[str, str]:
    """The variables of the demo, its public addresses at the moved ports."""
    example = (ROOT / ".env.example").read_text()
    public = re.findall(r"^([A-Z_]+_PUBLIC_URL)=(https?://localhost):(\d+)$", example, re.MULTILINE)
    addresses = {name: f"{host}:{int(port) + offset}" for name, host, port in public}
    return addresses | {"VAULT_IMAGE": OFFICIAL["openbao"], "IMAGE_TAG": "test"}


def again(compose: Composed) -> None:
    """A second ``up`` leaves every container but ``init`` as it is."""
    before = compose.containers()
    compose.up()
    after = compose.containers()
    if changed := sorted(name for name in before if before[name] != after.get(name) and name != "init"):
        sys.exit(f"A second `up` made anew: {', '.join(changed)}")


def ended(compose: Composed, *names: str) -> None:
    """End the processes of containers as a crash would, at once, and wait until everything is well again."""
    containers = compose.containers()
    states = _states(compose)
    before = {containers[name]: states[containers[name]]["Pid"] for name in names}
    for process in before.values():
        os.kill(process, signal.SIGKILL)
    began = time.monotonic()
    if not any(well(compose, before) for _ in wait_until(began + BACK_SECONDS, step=0.5)):
        sys.exit(f"{', '.join(names)} did not come back: {compose('ps', '--all')}")
    print(f"{', '.join(names)}: killed, back after {time.monotonic() - began:.0f} s", flush=True)


def well(compose: Composed, killed: dict[str, int]) -> bool:
    """The killed ones run again, each as another process than before, and every container says that it is well."""
    states = _states(compose)
    again = all(states[one]["Running"] and states[one]["Pid"] not in (0, before) for one, before in killed.items())
    return again and all(map(_is_well, states.values()))


def _states(compose: Composed) -> dict[str, dict[str, Any]]:
    """What the engine says of each container, by its short id."""
    ids = list(compose.containers().values())
    return {
        one: found["State"] for one, found in zip(ids, json.loads(compose.engine.run("inspect", *ids)), strict=True)
    }


def _is_well(state: dict[str, Any]) -> bool:
    if state["Status"] == "exited":
        return state["ExitCode"] == 0
    return state["Status"] == "running" and state.get("Health", {}).get("Status", "healthy") == "healthy"


if __name__ == "__main__":
    sys.exit(main())
