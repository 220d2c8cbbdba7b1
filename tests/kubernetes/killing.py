"""Every pod deleted once, under many people's calls: what was lost, what was crossed, and what is left."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from stack.layout import ROOT
from stack.processes import end
from tests.kubernetes.cluster import ENGINES_NAMESPACE, NAMESPACE, Cluster, is_ready
from tests.kubernetes.install import SEVERAL

AFTER_SECONDS = 5.0
"""Calls that go wrong this long after everything was ready again still count."""

UNDISTURBED_SECONDS = 30.0
ENGINE = "engine"

COUNT_ACCOUNTS = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'v-%tester%'"
SECRET = "import re, sys; print(re.search('LAB_CLIENT_SECRET=([^\\0]*)', open('/proc/1/environ').read())[1])"


@dataclass
class Load:
    """The calls that are under way, and what they said so far."""

    process: subprocess.Popen[str]
    stop: Path
    said: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> None:
        """Collect its lines until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def between(self, what: str, began: float, ended: float) -> list[str]:
        """The reasons of what went wrong in a time."""
        return [one["why"] for one in self.said if what in one and "why" in one and began <= one["at"] <= ended]


@contextmanager
def calls(cluster: Cluster, people: int) -> Iterator[Load]:
    """Many people's calls, from when everybody has signed in; ``Load.said`` ends with what was called in all."""
    secret = cluster.kubectl("exec", cluster.pod("app"), "--", "python", "-c", SECRET)
    with tempfile.TemporaryDirectory() as folder:
        stop = Path(folder) / "stop"
        command = cluster.command(sys.executable, "-m", "tests.kubernetes.load", str(people), stop)
        process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdin is not None
        process.stdin.write(secret)
        process.stdin.close()
        load = Load(process, stop)
        reader = threading.Thread(target=load.read, daemon=True)
        reader.start()
        try:
            cluster.until(
                "everybody has signed in",
                lambda: process.poll() is not None or any("ready" in one for one in load.said),
                within=600,
            )
            if process.poll() is not None:
                sys.exit("The calls ended by themselves.")
            yield load
            stop.touch()
            process.wait(120)
            reader.join(10)
        finally:
            end(process, within=5)


def everything(cluster: Cluster, people: int) -> list[str]:
    """The table, as Markdown.

    Ends the program where an answer was crossed, a database account is left, or the end of one of our pods lost a
    call. Of the engines there is one each: what their end loses is only told.
    """
    rows = ["| what | ready again after | calls repeated | calls lost |", "|---|---|---|---|"]
    ours: list[str] = []
    with calls(cluster, people) as load:
        for what, act, within in _acts(cluster):
            began = time.time()
            act()
            took = cluster.until(f"ready again: {what}", lambda: _well(cluster), within=within)
            time.sleep(AFTER_SECONDS)
            again, lost = (load.between(kind, began, time.time()) for kind in ("again", "lost"))
            rows.append(f"| {what} | {took:.0f} s | {len(again)} | {len(lost)} |")
            print(rows[-1], *sorted({why.splitlines()[0] for why in again + lost})[:4], sep="\n  ", flush=True)
            ours += [f"{what}: {why}" for why in lost if not what.startswith(ENGINE)]
    total = load.said[-1]
    print(
        f"{people} people, {total['calls']} calls: {total['second_tries']} repeated, {total['lost']} lost,"
        f" {total['crossed']} crossed; the slowest answer {total['slowest']:.1f} s",
        flush=True,
    )
    if total["crossed"]:
        sys.exit(f"Answers were crossed: {[one for one in load.said if 'crossed' in one][:5]}")
    print(f"accounts left 0, {_leases_end(cluster, total['sessions']):.0f} s after everybody's sign-out", flush=True)
    if ours:
        sys.exit(f"{len(ours)} calls were lost although they were tried twice:\n" + "\n".join(ours[:10]))
    return rows


def _acts(cluster: Cluster) -> Iterator[tuple[str, Callable[[], object], float]]:
    """Each thing that happens to the cluster: what, how, and how long it may take."""

    def delete(name: str, namespace: str, *how: str) -> Callable[[], object]:
        pod = cluster.pod(name, namespace=namespace)
        return lambda: cluster.kubectl("delete", "pod", pod, "--wait=false", *how, namespace=namespace)

    yield "nothing, for comparison", lambda: time.sleep(UNDISTURBED_SECONDS), 300
    for name in sorted(one["metadata"]["name"] for one in cluster.get("deployments")):
        yield f"`{name}`, one of {SEVERAL.get(name, 1)}", delete(name, NAMESPACE), 300
    yield "`mcp-jira`, one of 3, killed at once", delete("mcp-jira", NAMESPACE, "--grace-period=0", "--force"), 300
    yield (
        "`mcp-postgres`, one of 3, killed at once",
        delete("mcp-postgres", NAMESPACE, "--grace-period=0", "--force"),
        300,
    )
    for name in SEVERAL:
        yield f"rolling restart of `{name}`", partial(cluster.kubectl, "rollout", "restart", f"deployment/{name}"), 600
    for name in ("postgres", "vault", "keycloak"):
        yield f"{ENGINE} `{name}`, the only one", delete(name, ENGINES_NAMESPACE), 600


def _well(cluster: Cluster) -> bool:
    """Every pod of the release and the engines is there, ready and not ending."""
    for namespace in (NAMESPACE, ENGINES_NAMESPACE):
        workloads = cluster.get("deployments,statefulsets", namespace=namespace)
        pods = [pod for pod in cluster.get("pods", namespace=namespace) if pod["status"].get("phase") != "Succeeded"]
        if any("deletionTimestamp" in pod["metadata"] or not is_ready(pod) for pod in pods):
            return False
        if len(pods) != sum(one["spec"].get("replicas", 1) for one in workloads):
            return False
    return True


def sql(cluster: Cluster, statement: str, database: str = "postgres") -> str:
    """One statement as PostgreSQL's administrator."""
    command = f'PGPASSWORD="$POSTGRES_PASSWORD" psql -h 127.0.0.1 -U postgres -d {database} -qAt -v ON_ERROR_STOP=1'
    return cluster.kubectl(
        "exec", "-i", "postgres-0", "--", "sh", "-c", command, given=statement, namespace=ENGINES_NAMESPACE
    )


def _leases_end(cluster: Cluster, sessions: list[tuple[str, str]]) -> float:
    """Sign everybody out, as the app does in the shared state; seconds until no account of theirs is left."""
    rows = ", ".join(f"('{sid}', '{sub}', now() + interval '1 hour')" for sid, sub in sessions)
    insert = f"INSERT INTO ended_sessions (sid, sub, expires_at) VALUES {rows} ON CONFLICT DO NOTHING"
    before = sql(cluster, COUNT_ACCOUNTS).strip()
    print(f"accounts in PostgreSQL before the sign-out: {before}", flush=True)
    sql(cluster, insert, "mcp_state")
    return cluster.until("no account is left", lambda: sql(cluster, COUNT_ACCOUNTS).strip() == "0", within=600)
