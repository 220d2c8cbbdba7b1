"""Up, down and everything in between: real servers, restarted when they die, gone when they should be."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from stack import control
from stack.processes import wait_until

from .conftest import CHEAP, Demo


def until(condition: Callable[[], bool], within: float = 30.0) -> bool:
    return any(condition() for _ in wait_until(time.monotonic() + within))


def query(demo: Demo, sql: str) -> list[tuple[object, ...]]:
    password = json.loads(demo.layout.secrets.read_text())["POSTGRES_ADMIN_PASSWORD"]
    port = demo.status().ports["postgres"]
    with psycopg.connect(
        host="localhost", port=port, user="postgres", password=password, autocommit=True
    ) as connection:
        cursor = connection.execute(sql)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def test_a_second_up_keeps_data_and_secrets_and_reset_starts_over(demo: Demo) -> None:
    demo.up()
    query(demo, "CREATE TABLE kept AS SELECT 42 AS answer")
    secrets = demo.layout.secrets.read_text()
    assert demo("down").returncode == 0
    assert demo.alive() == []

    demo.up()
    assert query(demo, "SELECT answer FROM kept") == [(42,)]
    assert demo.layout.secrets.read_text() == secrets

    refused = demo("reset")
    assert refused.returncode == 1
    assert "reset --yes" in refused.stderr
    assert query(demo, "SELECT answer FROM kept") == [(42,)]

    assert demo("reset", "--yes").returncode == 0
    assert demo.alive() == []
    demo.up("postgres")
    assert query(demo, "SELECT to_regclass('kept')") == [(None,)]


def test_up_when_up_says_so_and_status_tells_programs_and_people(demo: Demo) -> None:
    assert demo("status").returncode == 3
    assert demo("down").stdout == "The demo is not running.\n"
    demo.up()
    pid = demo.pid("openbao")

    again = demo("up", "-d")
    assert again.returncode == 0
    assert "already up" in again.stdout
    assert demo.pid("openbao") == pid

    for words, environment, named in (
        (("up", "-d"), {"JIRA_URL": "https://acme.atlassian.net"}, "JIRA_URL"),
        (("up", "-d"), {"REDIS_PASSWORD": "another-one", "AUTH_MODE": "keycloak"}, "AUTH_MODE, REDIS_PASSWORD"),
        (("up", "-d", "--port-offset", "300"), {}, "--port-offset"),
    ):
        other = demo(*words, **environment)
        assert other.returncode == 1
        assert f"with another value of {named}; nothing was changed." in " ".join(other.stderr.split())
    assert demo.pid("openbao") == pid
    assert "another-one" not in demo.layout.status.read_text()

    told = json.loads(demo("status", "--json").stdout)
    assert told["phase"] == "ready"
    assert {service["name"]: service["phase"] for service in told["services"]} == {
        "postgres": "ready",
        "openbao": "ready",
    }
    assert "Vault (OpenBao)" in demo("status").stdout
    assert "OpenBao server started" in demo("logs", "openbao").stdout


def test_a_service_that_dies_is_started_again_and_its_last_words_are_kept(demo: Demo) -> None:
    demo.up("openbao")
    token = json.loads(demo.layout.secrets.read_text())["VAULT_TOKEN"]
    killed = demo.pid("openbao")
    os.kill(killed, signal.SIGKILL)
    assert until(lambda: demo.status().services[0].restarts == 1)
    assert until(lambda: demo.status().services[0].phase == "ready")

    (service,) = demo.status().services
    assert service.pid != killed
    assert service.last_lines
    assert json.loads(demo.layout.secrets.read_text())["VAULT_TOKEN"] == token


def test_down_leaves_nothing_even_after_the_supervisor_was_killed(demo: Demo) -> None:
    demo.up()
    demo.kill_supervisor()
    assert len(demo.alive()) >= 2

    assert demo("down").stdout == "Everything is stopped.\n"
    assert demo.alive() == []


def test_up_after_the_supervisor_was_killed_takes_over_cleanly(demo: Demo) -> None:
    demo.up()
    query(demo, "CREATE TABLE kept AS SELECT 42 AS answer")
    old = demo.alive()
    demo.kill_supervisor()

    demo.up()
    assert query(demo, "SELECT answer FROM kept") == [(42,)]
    assert not set(old) & set(demo.alive())


def test_everything_stops_when_the_process_it_was_started_for_is_gone(demo: Demo) -> None:
    caller = subprocess.Popen(["sleep", "600"])
    try:
        started = demo("up", "-d", "--free-ports", "--while-pid", str(caller.pid), "--only", CHEAP)
        assert started.returncode == 0, started.stderr
    finally:
        caller.kill()
        caller.wait()
    assert until(lambda: not control.is_running(demo.layout))
    assert demo.alive() == []


def test_ctrl_c_in_the_foreground_stops_everything(demo: Demo) -> None:
    arguments = demo.command("up", "--free-ports", "--only", CHEAP)
    with subprocess.Popen(arguments, env=demo.environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("Everything is ready")
        assert len(demo.alive()) >= 2
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    assert demo.alive() == []


def test_a_start_that_fails_says_why_and_leaves_nothing_running(demo: Demo) -> None:
    key = demo.layout.data / "openbao" / "seal.key"
    key.parent.mkdir(parents=True)
    key.write_bytes(b"short")

    failed = demo("up", "-d", "--free-ports", "--only", CHEAP)
    assert failed.returncode == 1
    assert "Vault (OpenBao) does not start" in failed.stderr
    assert "./demo logs openbao" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert demo.alive() == []
    assert not control.is_running(demo.layout)


def test_a_busy_port_is_named_with_its_holder_and_nothing_starts(demo: Demo) -> None:
    demo.up("openbao")
    demo("down")
    port = demo.status().ports["openbao"]
    with socket.create_server(("127.0.0.1", port)):
        failed = demo("up", "-d", "--free-ports", "--only", CHEAP)
    assert failed.returncode == 1
    assert f"Port {port} (openbao, held by " in failed.stderr
    assert f"(pid {os.getpid()})" in failed.stderr
    assert "--port-offset" in failed.stderr
    assert demo.alive() == []


def test_state_is_private_to_its_owner(demo: Demo) -> None:
    demo.up()

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    layout = demo.layout
    assert mode(layout.state) == 0o700
    assert mode(layout.secrets) == mode(layout.status) == mode(layout.data / "openbao" / "seal.key") == 0o600
    readable = [path for path in layout.state.rglob("*") if path.is_file() and mode(path) & 0o077]
    assert readable == []
    arguments = [" ".join(process.cmdline()) for process in control.processes_of(layout)]
    secrets = [value for value in json.loads(layout.secrets.read_text()).values() if len(value) > 12]
    assert len(arguments) >= 2
    assert not [line for line in arguments for secret in secrets if secret in line]


def test_what_could_never_become_ready_is_refused_at_once(demo: Demo) -> None:
    for only, named in (
        ("mcp-jira", "needs postgres, openbao, keycloak, init, which"),
        ("postgres,openbao,keycloak,mcp-jira", "--only postgres,openbao,keycloak,init,mcp-jira."),
        ("keycloak", "Keycloak needs postgres, which"),
    ):
        began = time.monotonic()
        refused = demo("up", "-d", "--free-ports", "--only", only)
        assert refused.returncode == 1
        assert named in refused.stderr
        assert time.monotonic() - began < 30
    assert demo.alive() == []
