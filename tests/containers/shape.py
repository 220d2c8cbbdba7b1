"""Whether the images of our own are what the README says: who runs them, what is not in them, how large they are."""

from __future__ import annotations

import json
import sys

from tests.containers.engine import Docker
from tests.containers.images import OFFICIAL

IMAGES = ("mcp-remote-vault-server:test", "mcp-remote-vault-app:test")
LABELS = ("title", "description", "licenses", "version", "revision", "base.name")
LOOK = """
for tool in pip pip3 cc gcc c++ make; do command -v $tool && exit 1; done
python -c 'import pip' 2>/dev/null && exit 2
touch /app/new 2>/dev/null && exit 4
[ "$(id -u)" = 10001 ] || exit 5
"""
OWN_MEGABYTES = {"mcp-remote-vault-server:test": 150, "mcp-remote-vault-app:test": 620}
"""What an image may hold beside Python's own image, which for the official one is about 130 MB."""


def look(engine: Docker) -> None:
    """Ends the program when one of them is not."""
    base = _megabytes(engine, OFFICIAL["python"])
    for image in IMAGES:
        found = json.loads(engine.run("inspect", "--format", "{{json .Config}}", image))
        labels = {name.removeprefix("org.opencontainers.image.") for name in found["Labels"]}
        if found["User"] != "10001:10001" or not set(LABELS) <= labels:
            sys.exit(f"{image} runs as {found['User']} and says {', '.join(sorted(labels))}")
        engine.run("run", "--rm", "--network", "none", image, "sh", "-c", LOOK)
        own = _megabytes(engine, image) - base
        print(f"{image}: {own} MB on top of Python's image", flush=True)
        if own > OWN_MEGABYTES[image]:
            sys.exit(f"{image} has grown: {OWN_MEGABYTES[image]} MB were allowed")


def _megabytes(engine: Docker, image: str) -> int:
    return int(engine.run("inspect", "--format", "{{.Size}}", image)) // 1_000_000
