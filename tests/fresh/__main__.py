"""Strangers' first commands, on machines that have never seen the demo.

    python3 -m tests.fresh            all of it, on Debian bookworm and trixie: root fetches everything and starts
                                      without a network; an ordinary user starts; a second one starts after and beside
    python3 -m tests.fresh --quick    what every CI run does: bookworm, root, `./demo fetch`, then without a network

A machine is a `debootstrap` of Debian with python3, python3-venv and certificates, copied anew for each run, in mount
and process namespaces of its own. What this machine needs to reach a package index (certificates, pip's settings,
proxies) is read when it runs and copied in. Standard library only; needs root, `debootstrap` and `unshare`. The base
systems are kept in the runtime folder (`DEMO_RUNTIME_DIR`).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stack.layout import ROOT, Layout
from tests.support.debian import BUNDLE, bootstrap

MACHINES = Layout.from_environment().runtime / "machines"
PACKAGES = "python3,python3-venv,ca-certificates"
SUITES = ("bookworm", "trixie")
STEPS = ("fetch", "offline", "ordinary", "second", "together")
"""What tests/fresh/inside.py does on each machine, in this order; only `offline` is without a network."""

QUICK = ("bookworm", ("fetch", "offline"))

PASSED_ON = re.compile(
    r"(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|TRUSTED_HOST|PROXY|DEFAULT_TIMEOUT)",
    re.IGNORECASE,
)
"""Environment variables without which the package index may be out of reach here."""


def main() -> int:
    """Run what was asked for; 1 when a combination failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one combination only, as in every CI run")
    parser.add_argument(
        "suites", nargs="*", default=SUITES, metavar="suite", help=f"{' or '.join(SUITES)}; both unless named"
    )
    options = parser.parse_args()
    lacks = [name for name in ("debootstrap", "unshare", "chroot") if not shutil.which(name)]
    if os.geteuid() or lacks:
        print(f"Fresh machines need {', '.join(lacks) or 'root'} here.", file=sys.stderr)
        return 1
    chosen = [QUICK] if options.quick else [(suite, STEPS) for suite in options.suites]
    results = [on_a_machine(suite, steps) for suite, steps in chosen]
    return 0 if all(results) else 1


def on_a_machine(suite: str, steps: tuple[str, ...]) -> bool:
    """Do the steps on a new machine; True when all went well. The first that fails ends it."""
    base = made(suite)
    place = Path(tempfile.mkdtemp(prefix=f"{suite}-", dir=MACHINES))
    machine = place / "root"
    try:
        subprocess.run(["cp", "-a", "--reflink=auto", base, machine], check=True)
        connect(machine)
        copy_checkout(machine / "opt" / "checkout")
        for step in steps:
            began = time.monotonic()
            print(f"== {suite}, {step}", flush=True)
            if enter(machine, step).returncode:
                print(f"== {suite}, {step}: FAILED after {time.monotonic() - began:.0f} s", flush=True)
                return False
            print(f"== {suite}, {step}: good, {time.monotonic() - began:.0f} s", flush=True)
        return True
    finally:
        shutil.rmtree(place)


def made(suite: str) -> Path:
    """The base system, bootstrapped once."""
    base = MACHINES / suite
    if not base.exists():
        MACHINES.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{suite}-unfinished-", dir=MACHINES))
        unfinished.chmod(0o755)
        bootstrap(suite, unfinished, PACKAGES)
        unfinished.rename(base)
    return base


def connect(machine: Path) -> None:
    """Give it what this machine has to reach a package index: names, certificates, pip's settings."""
    (machine / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    pip = [Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf"]
    pip_settings = next((file for file in pip if file.is_file()), Path("/etc/pip.conf"))
    named = {value for name, value in os.environ.items() if PASSED_ON.fullmatch(name) and os.path.isfile(value)}
    copies = {"/etc/resolv.conf": "/etc/resolv.conf", str(pip_settings): "/etc/pip.conf", BUNDLE: BUNDLE}
    for source, target in (copies | {file: file for file in named}).items():
        if os.path.isfile(source):
            inside = machine / target.lstrip("/")
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.unlink(missing_ok=True)
            shutil.copyfile(source, inside)


def copy_checkout(target: Path) -> None:
    """What a clone would bring: the files that git knows, and none that it ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


ENTER = """
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
machine=$1; shift
exec chroot "$machine" "$@"
"""


def enter(machine: Path, step: str) -> subprocess.CompletedProcess[bytes]:
    """One step in namespaces of its own: when it ends, the kernel ends every process that it left."""
    shared = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    words = [f"{name}={value}" for name, value in (shared | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).items()]
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *(["--net"] if step == "offline" else [])]
    inside = ["env", "-i", *words, "python3", "-B", "/opt/checkout/tests/fresh/inside.py", step]
    command = [*alone, "sh", "-ec", ENTER, "enter", str(machine), *inside]
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
