"""The processes that are compared: our servers as the stack runs them, and bare ones beside them."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import psutil
import psycopg
from psycopg import sql

from benchmarks.people import BenchPerson
from stack.layout import ROOT
from stack.ports import LOOPBACK, free_ports
from stack.processes import wait_until
from stack.testing import Stack

ISSUE = "PROJ-1"
STATEMENT = "SELECT * FROM orders ORDER BY 1 LIMIT 10"
TOOLS: dict[str, tuple[str, dict[str, str]]] = {
    "jira": ("get_issue", {"issue_key": ISSUE}),
    "postgres": ("query", {"sql": STATEMENT}),
}
"""What is called at each server."""

BARE_ROLES = {False: "bench_bare", True: "bench_tuned"}
"""Database users of the bare servers, by whether they are tuned."""
START_SECONDS = 60.0


@contextmanager
def bare(stack: Stack, kind: str, person: BenchPerson, *, tuned: bool = False) -> Iterator[str]:
    """A bare server for as long as the block runs, with ``person``'s Jira credential or a fixed database user."""
    port = free_ports(("bare",))["bare"]
    environment = {
        **os.environ,
        "BARE_URL": stack.url("mock-jira"),
        "BARE_EMAIL": person.email,
        "BARE_TOKEN": person.jira_token,
        "PGPASSWORD": "",
    }
    if kind == "postgres":
        role = BARE_ROLES[tuned]
        environment["PGPASSWORD"] = _fixed_user(stack, role)
        environment["BARE_DSN"] = f"postgresql://{role}@localhost:{stack.ports['postgres']}/shop"
    with _process(["benchmarks.bare", kind, str(port), *(["--tuned"] if tuned else [])], environment, port):
        yield f"http://localhost:{port}/mcp"


@contextmanager
def replica(stack: Stack, server: str, settings: Mapping[str, str]) -> Iterator[str]:
    """One more process of one of our servers, with these settings beside its own."""
    port = free_ports((server,))[server]
    environment = {**os.environ, **stack.environment(f"mcp-{server}"), **settings, "MCP_PORT": str(port)}
    with _process(["mcp_servers", server], environment, port, quiet=True):
        yield f"http://localhost:{port}/mcp"


@contextmanager
def sink() -> Iterator[str]:
    """Where spans can be sent; its address."""
    port = free_ports(("sink",))["sink"]
    with _process(["benchmarks.sink", str(port)], dict(os.environ), port):
        yield f"http://localhost:{port}"


@contextmanager
def _process(module: Sequence[str], environment: dict[str, str], port: int, *, quiet: bool = False) -> Iterator[None]:
    """``python -m`` this, for as long as the block runs, from when it listens on ``port``."""
    errors = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen([sys.executable, "-m", *module], cwd=ROOT, env=environment, stderr=errors)
    try:
        _wait(port, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


def resident_mb(stack: Stack, name: str) -> float:
    """Resident memory of a service of the stack, in MB (10^6 bytes)."""
    pid = stack.status(name).pid
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def _fixed_user(stack: Stack, role: str) -> str:
    """The password, new each time, of a database user ``role`` with the rights of a reader."""
    password = secrets.token_urlsafe(24)
    place = f"host=localhost port={stack.ports['postgres']} user=postgres dbname=shop"
    with psycopg.connect(place, password=stack.secrets["POSTGRES_ADMIN_PASSWORD"], autocommit=True) as above:
        known = above.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
        if not known:
            above.execute(sql.SQL("CREATE ROLE {} IN ROLE shop_read").format(sql.Identifier(role)))
        above.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password)))
    return password


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in wait_until(time.monotonic() + START_SECONDS):
        if process.poll() is not None:
            break
        with suppress(OSError):
            socket.create_connection((LOOPBACK, port), timeout=1).close()
            return
    raise RuntimeError(f"A server did not start: exit code {process.poll()}.")
