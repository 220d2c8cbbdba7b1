"""The chart on a real cluster: ``./demo kubernetes test``.

Brings up the one-node cluster of deploy/kubernetes/cluster.sh (whose programs it builds the first time), imports our
images, installs the engines and the chart, and does on it what people do: both of the README's scenarios, the app in
Chromium, the lab; tries from every pod what it must not reach; ends every pod once under many people's calls. Then
takes everything away. Debian 12, root.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from tests.kubernetes import images, install, killing, probes
from tests.kubernetes.cluster import RELEASE, Cluster, missing

T = TypeVar("T")
PEOPLE = 100
"""Provisioned beside the demo's own; they call while pods end."""


def main() -> int:
    """1, with what is wrong, when something is not as it should be."""
    reader = argparse.ArgumentParser(prog="./demo kubernetes test")
    reader.add_argument("--keep", action="store_true", help="leave the cluster up")
    reader.add_argument("--quick", action="store_true", help="end no pods under load")
    options = reader.parse_args()
    cluster = Cluster()
    if missing():
        print(f"building {', '.join(missing())}: minutes, the first time only", flush=True)
    archives = timed("images", images.archives)
    timed("cluster", lambda: cluster.script("up"))
    try:
        timed("import", lambda: load(cluster, archives))
        timed("install", lambda: install.install(cluster, people=PEOPLE))
        timed("helm test", lambda: cluster.helm("test", RELEASE))
        with install.doors(cluster):
            command = (sys.executable, "-m", "tests.kubernetes.visit")
            timed("both scenarios", lambda: print(cluster.run(*command), end=""))
            timed("lab", lambda: probes.lab(cluster))
            timed("network probes", lambda: probes.network(cluster))
            timed("Vault probes", lambda: probes.vault(cluster))
            timed("sign-out", lambda: probes.sign_out(cluster))
            timed("helm upgrade", lambda: install.upgrade(cluster))
            if not options.quick:
                timed("every pod ended", lambda: killing.everything(cluster, PEOPLE))
        if not options.keep:
            timed("uninstall", lambda: install.uninstall(cluster))
    finally:
        if not options.keep:
            cluster.script("down")
    print("All good.")
    return 0


def load(cluster: Cluster, archives: Iterable[Path]) -> None:
    """Import images into the cluster's containerd."""
    for archive in archives:
        cluster.script("import", str(archive))


def timed(what: str, step: Callable[[], T]) -> T:
    """Do it, and print how long it took."""
    began = time.monotonic()
    done = step()
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)
    return done


if __name__ == "__main__":
    sys.exit(main())
