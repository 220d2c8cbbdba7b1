"""Keycloak's distribution: fetched once from Maven, its checksum checked, unpacked and built for this stack."""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
import tempfile
import zipfile
from pathlib import Path

from fastmcp_vault.errors import NotReady
from stack import maven, programs
from stack.layout import Layout
from stack.lock import alone
from stack.maven import MavenFile
from stack.part import Say
from stack.processes import base_environment

VERSION = "26.7.4"
SHA256 = "a286e98b4296d4e75ee88d8527c7cd463b307caa022f088c9f22cffccc741fa1"

ARCHIVE = MavenFile("Keycloak", "org.keycloak", "keycloak-quarkus-dist", VERSION, SHA256, "zip")

BUILD_OPTIONS = (
    "--db=postgres",
    "--health-enabled=true",
    "--http-management-health-enabled=false",
    "--cache=local",
    "--features-disabled=ciba,device-flow",
    "--spi-client-registration--default--enabled=false",
    "--spi-client-registration--install--enabled=false",
    "--spi-client-registration--saml2-entity-descriptor--enabled=false",
)
"""Decided at build time (``kc.sh build``); one server, so no cluster cache.

Off is what nobody here uses and a client that registers itself could: grants without a redirect, and Keycloak's own
ways to register, where a stranger chooses the client's id. RFC 7591 stays.
"""

STOCK_OPTIONS = ("--db=postgres", "--health-enabled=true", "--http-management-health-enabled=false")
"""Keycloak's own defaults otherwise: what the benchmark compares with."""


def home(layout: Layout, options: tuple[str, ...] = BUILD_OPTIONS) -> Path:
    """Where this version, built with these options, lies."""
    key = hashlib.sha256(" ".join(options).encode()).hexdigest()[:8]
    return layout.runtime / f"keycloak-{VERSION}-{key}"


def is_built(layout: Layout, options: tuple[str, ...] = BUILD_OPTIONS) -> bool:
    """True when nothing is left to fetch or build."""
    return (home(layout, options) / ".built").exists()


def build(layout: Layout, say: Say, options: tuple[str, ...] = BUILD_OPTIONS) -> Path:
    """Fetch, check, unpack and build what is not there yet; its home. Raises FetchFailed, NotReady.

    Two instances that start together share the work: the second waits for the first.
    """
    target = home(layout, options)
    if is_built(layout, options):
        return target
    layout.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(layout.runtime / "keycloak.lock"):
        if not is_built(layout, options):
            archive = fetch(say)
            say("unpacking Keycloak")
            shutil.rmtree(target, ignore_errors=True)
            unpack(archive, target)
            say("building Keycloak for PostgreSQL, once (about 20 s)")
            _run_build(target, options)
            (target / ".built").touch()
    return target


def fetch(say: Say) -> Path:
    """The distribution's zip in the local Maven repository, downloaded if need be and checked. Raises FetchFailed."""
    return maven.fetch(ARCHIVE, say)


def unpack(archive: Path, target: Path) -> None:
    """Unpack the archive's one top folder as ``target``, programs executable."""
    beside = target.with_name(f"{target.name}.unpacking")
    shutil.rmtree(beside, ignore_errors=True)
    with zipfile.ZipFile(archive) as file:
        file.extractall(beside)
    (top,) = beside.iterdir()
    for script in (top / "bin").glob("*.sh"):
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    top.rename(target)
    beside.rmdir()


def _run_build(target: Path, options: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=target.parent) as temporary:
        done = subprocess.run(
            # kc.sh hands -D to Java, and keeps a path with spaces whole; JAVA_OPTS_APPEND it would take apart.
            [target / "bin" / "kc.sh", "build", *options, f"-Djava.io.tmpdir={temporary}"],
            check=False,
            env=base_environment(Path(temporary))
            | {"JAVA_HOME": str(programs.java()), "JAVA_OPTS_APPEND": programs.NO_SHARED_FILES},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise NotReady(
            f"Keycloak could not be built: {' '.join(last)}", fix="`./demo doctor` checks Java and the disk."
        )
