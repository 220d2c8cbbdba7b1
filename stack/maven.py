"""Files from Maven: fetched once into the local repository, their checksums checked."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastmcp_vault.errors import NotReady
from stack.part import Say


@dataclass(frozen=True)
class MavenFile:
    """One file of a release, pinned by its SHA-256. ``title``: as people read it."""

    title: str
    group: str
    artifact: str
    version: str
    sha256: str
    packaging: str
    classifier: str = ""


class FetchFailed(NotReady):
    """A download did not come, or is not what was pinned."""

    code = "fetch_failed"


def fetch(file: MavenFile, say: Say) -> Path:
    """The file in the local Maven repository, downloaded if need be and checked. Raises FetchFailed."""
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - slow to import, needed once

    context = MavenContext(resolver=PythonResolver(progress_callback=_progress(file.title, say)), timeout=30)
    release = context.project(file.group, file.artifact).at_version(file.version)
    artifact = release.artifact(classifier=file.classifier, packaging=file.packaging)
    cached = artifact.cached_path
    if cached and cached.exists() and _digest(cached) != file.sha256:
        say(f"the archive of {file.title} in the Maven cache is damaged: fetching it again")
        cached.unlink()
    try:
        archive = Path(artifact.resolve())
    except Exception as error:  # jgo raises whatever its HTTP library does
        if cached:
            cached.unlink(missing_ok=True)
        raise FetchFailed(
            f"{file.title} {file.version} could not be downloaded ({type(error).__name__}).",
            fix="Check the network or the proxy settings and run `./demo up` again; "
            "with a good network, `./demo fetch --observe` downloads everything beforehand.",
        ) from error
    check(archive, file.sha256)
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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _progress(title: str, say: Say) -> Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None]]]:
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
                say(f"downloading {title}, {done / 1e6:.0f} of {total / 1e6:.0f} MB")

        yield advance

    return download
