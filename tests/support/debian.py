"""A Debian made from this machine's own mirror. Standard library only; needs root and `debootstrap`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def bootstrap(suite: str, target: Path, packages: str) -> None:
    """A minimal ``suite`` with ``packages`` (comma-separated) in ``target``. Ends the program if it fails."""
    mirror = [found] if (found := debian_mirror()) else []
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(target), *mirror]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"debootstrap of {suite} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    shutil.rmtree(target / "var" / "cache" / "apt", ignore_errors=True)


def debian_mirror() -> str:
    """The Debian mirror that this machine uses; empty when it uses none, and debootstrap knows one itself."""
    apt = Path("/etc/apt")
    sources = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    text = "\n".join(file.read_text() for file in sources if file.suffix in (".list", ".sources") and file.is_file())
    found = re.search(r"https?://\S+/debian/?(?=\s|$)", text)
    return found[0] if found else ""


def file_of_package(suite: str, package: str, inside: str, to: Path) -> None:
    """One file out of a package of ``suite``, copied to ``to``; nothing is installed."""
    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        apt = Path(folder)
        (apt / "lists" / "partial").mkdir(parents=True)
        (apt / "sources").write_text(f"deb [signed-by={KEYRING}] {debian_mirror()} {suite} main\n")
        options = {
            "Dir::Etc::sourcelist": apt / "sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": apt / "lists",
            "APT::Get::List-Cleanup": 0,
            "APT::Sandbox::User": "root",
        }
        words = ["-qq", *(f"-o{name}={value}" for name, value in options.items())]
        subprocess.run(["apt-get", *words, "update"], check=True, cwd=apt)
        subprocess.run(["apt-get", *words, "download", package], check=True, cwd=apt)
        subprocess.run(["dpkg", "-x", next(apt.glob("*.deb")), apt / "unpacked"], check=True)
        shutil.copy(apt / "unpacked" / inside, to)
