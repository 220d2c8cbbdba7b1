"""Engines and chart on a cluster that is up, and the way back: nothing is left."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from stack.layout import ROOT
from stack.processes import end
from tests.kubernetes import images
from tests.kubernetes.cluster import ENGINES_NAMESPACE, NAMESPACE, RELEASE, Cluster, is_ready
from tests.support.people import write_users

PLACE = ROOT / "deploy" / "kubernetes"
CHART, ENGINES = PLACE / "mcp-remote-vault", PLACE / "engines" / "engines.yaml"
FIRST_SECRET, PEOPLE_SECRET = "mcp-remote-vault-first", "people"
FIRST = {"KEYCLOAK_ADMIN": "admin", "KEYCLOAK_ADMIN_PASSWORD": "admin", "POSTGRES_ADMIN_PASSWORD": "postgres"}
SEVERAL = {"mcp-jira": 3, "mcp-github": 3, "mcp-postgres": 3, "app": 2}
"""Services with more than one replica."""

DOORS = {
    **{8080: "keycloak", 8200: "vault", 5432: "postgres"},
    **{8501: "app", 3001: "mcp-jira", 3002: "mcp-github", 3003: "mcp-postgres", 5001: "token-api"},
    **{5000: "agents", 8443: "agents", 5600: "auth-relay", 8001: "mock", 8002: "mock", 8003: "chatbot"},
}
"""The public addresses, ``localhost`` in the node's network, and the Service behind each."""


def install(cluster: Cluster, *, people: int) -> None:
    """Engines, then the chart. Returns when init is through and everything is ready."""
    engines = ENGINES.read_text().replace("mcp-remote-vault-keycloak:dev", images.KEYCLOAK)
    cluster.run("kubectl", "apply", "-f", "-", given=engines)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    with tempfile.TemporaryDirectory() as folder:
        users = write_users(Path(folder) / "users.yaml", pool=people).read_text()
        _secret(cluster, FIRST_SECRET, FIRST)
        _secret(cluster, PEOPLE_SECRET, {"users.yaml": users})
        values = Path(folder) / "values.yaml"
        values.write_text(yaml.safe_dump(chosen_values()))
        cluster.helm("install", RELEASE, CHART, "--values", values)
    cluster.rolled_out(namespace=ENGINES_NAMESPACE)
    cluster.until("init is through", lambda: bool(_finished(cluster)), within=600)
    cluster.rolled_out()
    if cluster.tried("kubectl", "-n", NAMESPACE, "get", "secret", FIRST_SECRET).returncode == 0:
        sys.exit("init has not deleted the Secret with the administrators' logins.")


def upgrade(cluster: Cluster) -> None:
    """``helm upgrade`` with the same values: init runs again, without the Secret, and finds everything as wanted."""
    before = {pod["metadata"]["name"] for pod in cluster.get("pods") if is_ready(pod)}
    cluster.helm("upgrade", RELEASE, CHART, "--reuse-values")
    cluster.until("init is through again", lambda: bool(_finished(cluster)), within=300)
    said = cluster.kubectl("logs", "job/init-2", "--tail=1").strip()
    print(said, flush=True)
    if "0 created, 0 changed" not in said:
        sys.exit("A second run of init changed something.")
    if not before <= {pod["metadata"]["name"] for pod in cluster.get("pods") if is_ready(pod)}:
        sys.exit("An upgrade without a change made pods anew.")


def chosen_values() -> dict[str, object]:
    """What the test's release differs in from the chart's own values."""
    return {
        "peopleSecret": PEOPLE_SECRET,
        "image": {"tag": images.TAG, "pullPolicy": "Never"},
        "services": {name: {"replicas": count} for name, count in SEVERAL.items()},
        # The programs that stand for browsers and MCP clients run on the node, in front of the Services.
        "networkPolicies": {"ingressPeers": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]},
    }


def _secret(cluster: Cluster, name: str, data: dict[str, str]) -> None:
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})


def _finished(cluster: Cluster) -> int:
    jobs = cluster.get("jobs")
    if any(one["status"].get("failed", 0) > 3 for one in jobs):
        sys.exit(f"init fails:\n{cluster.state()}")
    return sum(one["status"].get("succeeded", 0) for one in jobs)


@contextmanager
def doors(cluster: Cluster) -> Iterator[None]:
    """The public addresses lead to the Services, in the node's network, for as long as the block runs."""
    found = {
        one["metadata"]["name"]: one["spec"]["clusterIP"]
        for namespace in (NAMESPACE, ENGINES_NAMESPACE)
        for one in cluster.get("services", namespace=namespace)
    }
    specs = [f"{port}={found[name]}:{port}" for port, name in DOORS.items()]
    command = cluster.command(sys.executable, "-m", "tests.kubernetes.forward", *specs)
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        knock = "import socket; [socket.create_connection(('127.0.0.1', port)) for port in (8080, 8200, 8501)]"
        cluster.until(
            "the public addresses answer", lambda: not cluster.tried(sys.executable, "-c", knock).returncode, within=30
        )
        yield
    finally:
        end(process, within=10)


def uninstall(cluster: Cluster) -> None:
    """``helm uninstall``: of the release nothing is left in the cluster."""
    cluster.helm("uninstall", RELEASE, "--wait")
    kinds = "all,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,configmaps"
    label = ("-l", "app.kubernetes.io/part-of=mcp-remote-vault")
    cluster.until("nothing of the release is left", lambda: not cluster.get(kinds, *label), within=90)
