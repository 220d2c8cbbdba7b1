"""Saves every later start what it need not do again: Keycloak's empty tables, and the JVM's start cache.

Both depend on versions only, so they lie in the runtime directory. They are taken from a Keycloak of
their own, on a scratch database, in the background of the first `up` (or in `fetch`): nobody waits.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

from fastmcp_vault.errors import NotReady
from stack import distribution, postgres, programs
from stack.keycloak import FIRST_JAVA_WITH_AOT_CACHE, KeycloakPart, aot_cache, tables
from stack.layout import Layout
from stack.lock import alone
from stack.part import Instance, Say, StackPart
from stack.ports import LOOPBACK, free_ports
from stack.postgres import Postgres
from stack.processes import MARKER, end, spawn, wait_until

_START_SECONDS = 600.0
"""A bound for busy machines, not a wait: a process that ends is noticed at once."""
_WRITE_SECONDS = 240.0
"""At its end the JVM writes the cache, about 20 s on two cores."""


def is_done(layout: Layout) -> bool:
    """True when there is nothing (more) to save on this machine."""
    return tables(layout).exists() and (aot_cache(layout).exists() or not _java_can())


def record(layout: Layout, say: Say) -> None:
    """Save both; blocking, about 40 s. Raises NotReady. Processes it started end with it."""
    if is_done(layout):
        return
    distribution.build(layout, say)
    with (
        alone(layout.runtime / "warmup.lock"),
        tempfile.TemporaryDirectory(prefix="recording-", dir=layout.runtime) as scratch,
    ):
        if not is_done(layout):
            _record_in(Layout(Path(scratch), layout.runtime), say)


def _record_in(scratch: Layout, say: Say) -> None:
    scratch.make()
    instance = Instance(scratch, free_ports(("postgres", "keycloak", "keycloak-inner")), Path(os.devnull))
    database = Postgres(instance, tables=Path(os.devnull).with_name("no-such-tables"))
    server = KeycloakPart(instance)
    unfinished = aot_cache(scratch).with_suffix(".recording")
    unfinished.unlink(missing_ok=True)
    recording = (f"-XX:AOTCacheOutput={unfinished}",) if _java_can() else ()
    with contextlib.ExitStack() as stack:
        stack.callback(postgres.remove_data, scratch.data / "postgres")
        database.prepare(say)
        _started(stack, instance, database, "postgres")
        say("starting Keycloak once to record its start")
        process = _started(stack, instance, server, "keycloak", *recording)
        _use(instance.ports["keycloak"], *(instance.secrets()[name] for name in _ADMIN))
        sql = database.tables_of_keycloak()
        say("writing Keycloak's start cache (about 20 s)")
        end(process, within=_WRITE_SECONDS)
        if recording and unfinished.exists():
            unfinished.replace(aot_cache(scratch))
        kept = tables(scratch).with_suffix(".writing")
        kept.write_text(sql)
        kept.replace(tables(scratch))


_ADMIN = ("KEYCLOAK_ADMIN", "KEYCLOAK_ADMIN_PASSWORD")


def _started(
    stack: contextlib.ExitStack, instance: Instance, part: StackPart, name: str, *jvm: str
) -> subprocess.Popen[bytes]:
    """Start a part, ended for certain when ``stack`` closes; returns when it is ready."""
    launch = part.launch_with(*jvm) if isinstance(part, KeycloakPart) else part.launch()
    # Marked as the demo's that asked for it, so that its `down` would find these, too.
    owner = Path(os.environ.get(MARKER, instance.layout.state))
    process = spawn(launch, log=instance.layout.logs / f"{name}.log", instance=owner)
    stack.callback(end, process, ask=launch.stop if name == "postgres" else signal.SIGKILL, within=10)
    for _ in wait_until(time.monotonic() + _START_SECONDS):
        if part.ready():
            return process
        if process.poll() is not None:
            break
    raise NotReady(f"The {name} for recording did not start.", fix="The demo works without it, but starts later.")


def _use(port: int, user: str, password: str) -> None:
    """A sign-in and an administrator's question, so that their classes are in the cache as well."""
    form = {"client_id": "admin-cli", "grant_type": "password", "username": user, "password": password}
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Host": f"localhost:{port}"}
        connection.request(
            "POST", "/realms/master/protocol/openid-connect/token", urllib.parse.urlencode(form), headers
        )
        connection.getresponse().read()
        connection.request("GET", "/realms/master/.well-known/openid-configuration", headers=headers)
        connection.getresponse().read()
    finally:
        connection.close()


def _java_can() -> bool:
    return programs.java_version(programs.java()) >= FIRST_JAVA_WITH_AOT_CACHE
