"""A Debian made from this machine's own mirror. Standard library only; needs root and `debootstrap`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


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
