"""The images that the cluster runs: ours, built from the Dockerfiles, and the engines' of docker-compose.yml."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import yaml

from stack import distribution
from stack.layout import ROOT, Layout
from tests.containers.engine import PLACE as ENGINE_PLACE
from tests.containers.engine import Docker, docker
from tests.containers.images import OFFICIAL, STANDINS, provide

TAG = "kubernetes"
PLACE = Layout.from_environment().runtime / "kubernetes"
OURS = tuple(f"mcp-remote-vault-{target}:{TAG}" for target in ("server", "app"))
KEYCLOAK = f"mcp-remote-vault-keycloak:{TAG}"
BUILT = ("keycloak", "app", "unseal")
"""Services of docker-compose.yml, one for each image of ours."""

SOURCES = ("app", "common", "init", "mcp_servers", "mock_services", "services", "src", "vault_client", "Dockerfile")
FURTHER = ("requirements.txt", "deploy/healthcheck.py", "deploy/select_packages.py")
ALONE = ("--bridge=none", "--iptables=false")
"""Our own engine only builds: it touches no bridge and no rule of the machine."""


def archives() -> list[Path]:
    """Archives of every image that the cluster runs; what is not there yet is built."""
    for place in (PLACE, ENGINE_PLACE):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    engines = PLACE / f"engines-{_digest(['deploy/keycloak', STANDINS], distribution.VERSION, KEYCLOAK)}.tar"
    ours = PLACE / f"ours-{_digest([*SOURCES, *FURTHER])}.tar"
    wanted = {engines: (KEYCLOAK, OFFICIAL["postgres"], OFFICIAL["openbao"]), ours: OURS}
    missing = [(archive, names) for archive, names in wanted.items() if not archive.exists()]
    if missing:
        with docker(ENGINE_PLACE, *ALONE) as engine:
            provide(engine, ENGINE_PLACE)
            _build(engine)
            for archive, names in missing:
                _save(engine, archive, names)
    return list(wanted)


def _build(engine: Docker) -> None:
    """By Compose, whose builder reads our Dockerfiles; with the machine's network, since the engine has none."""
    override = PLACE / "network.yml"
    builds = {name: {"build": {"network": "host", "entitlements": ["network.host"]}} for name in BUILT}
    override.write_text(yaml.safe_dump({"services": builds}))
    files = ("-f", ROOT / "docker-compose.yml", "-f", override)
    engine.compose(
        "-p", "mcp-remote-vault-kubernetes", *files, "build", "--quiet", *BUILT, variables={"IMAGE_TAG": TAG}
    )


def _save(engine: Docker, archive: Path, images: Iterable[str]) -> None:
    """The archive is whole or not there; an older one of its kind is taken away."""
    for old in archive.parent.glob(f"{archive.name.split('-')[0]}-*"):
        old.unlink()
    made = archive.with_suffix(".part")
    engine.run("save", "--output", made, *images)
    made.rename(archive)


def _digest(rooms: Iterable[str | Path], *further: str) -> str:
    """Of every file that goes into an image."""
    found = hashlib.sha256(" ".join(further).encode())
    for room in (ROOT / room for room in rooms):
        for path in sorted(room.rglob("*")) if room.is_dir() else [room]:
            if path.is_file() and path.suffix != ".pyc":
                found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]
