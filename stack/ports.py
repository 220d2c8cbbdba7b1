"""Ports: which ones are free, who holds one that is busy, and which ones no browser would open."""

from __future__ import annotations

import errno
import random
import socket
import sys
from collections.abc import Iterable, Mapping

import psutil

from common.ports import BLOCKED_BY_BROWSERS
from fastmcp_vault.errors import NotReady

LOOPBACK = "127.0.0.1"

AIRPLAY_PORTS = (5000, 7000)
"""macOS keeps these for its AirPlay receiver."""

LOWEST, HIGHEST = 1024, 65_535
"""The ports that every user may listen on."""

_UNPROMISED = range(18_000, 32_000)


class PortBusy(NotReady):
    """A port that a service needs is taken by somebody else."""

    code = "port_busy"


def is_free(port: int) -> bool:
    """True when a server could listen on ``port`` of the loopback address now and nobody answers there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        # macOS lets a loopback socket bind beside one on all addresses, as AirPlay's is: so ask, too.
        if caller.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def holder(port: int) -> str:
    """The process listening on ``port``, as ``name (pid 123)``; empty when this user may not know."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""


def require_free(ports: Mapping[str, int]) -> None:
    """Raise PortBusy, naming every service whose port is taken and by whom."""
    busy = [f"{port} ({name}{_by(port)})" for name, port in ports.items() if not is_free(port)]
    if not busy:
        return
    word = "Port" if len(busy) == 1 else "Ports"
    raise PortBusy(
        f"{word} {', '.join(busy)} {'is' if len(busy) == 1 else 'are'} in use.",
        fix=_way_out(port for port in ports.values() if not is_free(port)),
    )


def _by(port: int) -> str:
    who = holder(port)
    return f", held by {who}" if who else ""


def _way_out(busy: Iterable[int]) -> str:
    if sys.platform == "darwin" and any(port in AIRPLAY_PORTS for port in busy):
        return (
            "macOS keeps port 5000 for its AirPlay Receiver: switch that off in System Settings, General, "
            "AirDrop & Handoff, or move every port with `./demo up --port-offset 100`."
        )
    return "Stop what holds it, or move every port of the demo with `./demo up --port-offset 100`."


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A free port that browsers open for each name, for instances that promise no fixed ports (tests).

    From below the range that systems hand to outgoing connections, so that none slips in before the server.
    """
    candidates = random.SystemRandom().sample(_UNPROMISED, 2000)
    free = (port for port in candidates if port not in BLOCKED_BY_BROWSERS and is_free(port))
    return {name: next(free) for name in names}


def free_offset(promised: Iterable[int]) -> int:
    """An offset at which every one of these ports is free, for measurements beside a running demo."""
    ports = list(promised)
    offsets = (offset for offset in range(10_000, 20_000, 100) if works(ports, offset))
    return next(offset for offset in offsets if all(is_free(port + offset) for port in ports))


def works(promised: Iterable[int], offset: int) -> bool:
    """True when every user may listen on each of these ports, moved by ``offset``, and browsers open it."""
    return all(LOWEST <= port + offset <= HIGHEST and port + offset not in BLOCKED_BY_BROWSERS for port in promised)


def nearest_offset(promised: Iterable[int], wanted: int) -> int:
    """The offset nearest to ``wanted`` that works for these ports; of two as near, the larger. Raises StopIteration."""
    ports = list(promised)
    nearest_first = (wanted + sign * distance for distance in range(HIGHEST) for sign in (1, -1))
    return next(offset for offset in nearest_first if works(ports, offset))
