"""Keycloak's distribution: fetched once from Maven, its checksum checked, unpacked and built for this stack."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import stat
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fastmcp_vault.errors import NotReady
from stack import programs
from stack.layout import Layout
from stack.lock import alone
from stack.part import Say
from stack.processes import base_environment

VERSION = "26.7.4"
SHA256 = "a286e98b4296d4e75ee88d8527c7cd463b307caa022f088c9f22cffccc741fa1"

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


class FetchFailed(NotReady):
    """A download did not come, or is not what was pinned."""

    code = "fetch_failed"


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
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - slow to import, needed once

    context = MavenContext(resolver=PythonResolver(progress_callback=_progress(say)), timeout=30)
    artifact = context.project("org.keycloak", "keycloak-quarkus-dist").at_version(VERSION).artifact(packaging="zip")
    cached = artifact.cached_path
    if cached and cached.exists() and _digest(cached) != SHA256:
        say("the Keycloak archive in the Maven cache is damaged: fetching it again")
        cached.unlink()
    try:
        archive = Path(artifact.resolve())
    except Exception as error:  # jgo raises whatever its HTTP library does
        if cached:
            cached.unlink(missing_ok=True)
        raise FetchFailed(
            f"Keycloak {VERSION} could not be downloaded ({type(error).__name__}).",
            fix="Check the network or the proxy settings and run `./demo up` again; "
            "with a good network, `./demo fetch` downloads everything beforehand.",
        ) from error
    check(archive, SHA256)
    return archive


def check(archive: Path, expected: str) -> None:
    """Raise FetchFailed, and remove the file, when its SHA-256 is not the pinned one."""
    found = _digest(archive)
    if found != expected:
        archive.unlink()
        raise FetchFailed(
            f"The checksum of {archive.name} does not match: {found[:12]}… came, {expected[:12]}… was expected.",
            fix="The file was removed. Try again; if it stays so, something between here and Maven changes downloads.",
        )


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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _progress(say: Say) -> Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None]]]:
    @contextlib.contextmanager
    def download(_name: str, total: int) -> Iterator[Callable[[int], None]]:
        done = 0
        told = -1

        def advance(count: int) -> None:
            nonlocal done, told
            done += count
            percent = 100 * done // total
            if percent // 5 > told:
                told = percent // 5
                say(f"downloading Keycloak, {done / 1e6:.0f} of {total / 1e6:.0f} MB")

        yield advance

    return download
