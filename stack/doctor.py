"""Whether this machine can run the demo: every finding says where a missing thing comes from."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from fastmcp_vault.errors import InputError, Problem
from stack import control, distribution, programs, warmup
from stack.layout import Layout
from stack.ports import holder, is_free
from stack.services import PORTS

_DISK_BYTES = 2_000_000_000
_MEMORY_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``needed`` things must be good for the demo to run at all."""

    good: bool
    text: str
    needed: bool = True


def examine(layout: Layout) -> list[Finding]:
    """Look at everything, changing nothing."""
    return [*_machine(layout), *_programs(), *_downloads(layout), *_ports(layout), *_room(), *_optional()]


def _machine(layout: Layout) -> Iterator[Finding]:
    yield Finding(
        sys.platform in ("linux", "darwin"),
        f"{platform.system()} {platform.machine()} (the demo runs on Linux and macOS; on Windows, in WSL 2)",
    )
    yield Finding(sys.version_info >= (3, 11), f"Python {platform.python_version()} (3.11 or later)")
    folder = next(path for path in (layout.state, *layout.state.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    yield Finding(free >= _DISK_BYTES, f"{free / 1e9:.1f} GB free in {folder} (2 GB for downloads and data)")
    yield Finding(os.access(folder, os.W_OK), f"{folder} can be written")
    memory = psutil.virtual_memory().available
    yield Finding(memory >= _MEMORY_BYTES, f"{memory / 1e9:.1f} GB of memory free (2 GB is comfortable)", needed=False)
    yield Finding(_localhost(), "`localhost` is 127.0.0.1 on this machine (if not: add it to /etc/hosts)")


def _localhost() -> bool:
    try:
        return any(found[4][0] == "127.0.0.1" for found in socket.getaddrinfo("localhost", 80))
    except OSError:
        return False


def _programs() -> Iterator[Finding]:
    places = {
        "Java": (programs.java, "install Java 25, for example from adoptium.net, and set JAVA_HOME"),
        programs.vault_title(): (lambda: programs.vault().path, "install `bao` from openbao.org"),
        "PostgreSQL": (programs.postgres, "there is no wheel for this machine: use `docker compose up`"),
    }
    for name, (find, remedy) in places.items():
        try:
            yield Finding(True, f"{name}: {find()}")
        except InputError as problem:
            yield Finding(False, f"{name}: {problem.what} {problem.fix}")
        except Problem:
            yield Finding(False, f"{name}: none found; {remedy}")


def _downloads(layout: Layout) -> Iterator[Finding]:
    built = distribution.is_built(layout)
    yield Finding(
        built,
        f"Keycloak {distribution.VERSION} {'is fetched and built' if built else 'is not here yet: `up` fetches it'}",
        needed=False,
    )
    if built:
        done = warmup.is_done(layout)
        yield Finding(
            done,
            f"Keycloak's start {'is recorded' if done else 'is not recorded yet: the first `up` does it afterwards'}",
            needed=False,
        )


def _ports(layout: Layout) -> Iterator[Finding]:
    if control.is_running(layout):
        yield Finding(True, "The demo is running, so its ports are in use", needed=False)
        return
    busy = [f"{port} ({name}, {holder(port) or 'holder unknown'})" for name, port in PORTS.items() if not is_free(port)]
    yield Finding(
        not busy,
        f"Ports in use: {', '.join(busy)}; `./demo up --port-offset 100` moves them all" if busy else "All ports free",
        needed=False,
    )


def _room() -> Iterator[Finding]:
    """Where a room's browsers could find this machine."""
    found = sorted(
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith(("127.", "169.254."))
    )
    shown = (
        f"for a room: `./demo up --room {found[0]}`" if found else "it has none beside loopback's: no room reaches it"
    )
    yield Finding(bool(found), f"This machine's addresses: {', '.join(found) or 'none'}; {shown}", needed=False)


def _optional() -> Iterator[Finding]:
    names = (
        "chromium",
        "chromium-browser",
        "google-chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    )
    browser = next((path for name in names if (path := shutil.which(name))), None)
    yield Finding(browser is not None, f"Browser for the tests: {browser or 'none; browser tests skip'}", needed=False)
