"""What a pod must not reach, tried from every pod: in the network, as the chart declares it, and in Vault."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.kubernetes.cluster import ENGINES_NAMESPACE, NAMESPACE, Cluster, Object

IN_POD = Path(__file__).with_name("in_pod")
NAME, NAMESPACE_NAME = "app.kubernetes.io/name", "kubernetes.io/metadata.name"
NODE = ("10.0.0.1:6443", "10.0.0.1:10250", "10.0.0.1:2379")
"""The node's own doors: the cluster's API, the kubelet and etcd's usual port."""

UNGUARDED = {"host-keycloak", "host-vault"}
"""Attacks by a foreign ``Host`` (DNS rebinding) that get through: the engines are published nowhere, and no check
stands in front of them as in compose. Where a gateway publishes Keycloak it matches the host."""

HEARD_SECONDS = 20.0
"""Ten times the 2 s that are promised: a bound for a busy machine; what was measured is printed."""

Door = tuple[str, int]
"""A Service as ``name.namespace``, and a port."""


def in_pod(cluster: Cluster, pod: str, program: str, *arguments: str) -> str:
    """Standard output of one of the programs of in_pod/, run in a pod of the release."""
    text = (IN_POD / f"{program}.py").read_text()
    return cluster.kubectl("exec", "-i", pod, "--", "python", "-", *arguments, given=text)


def lab(cluster: Cluster) -> None:
    """The app's isolation grid and attacks, run in its pod; ends the program on anything but what is expected."""
    found = json.loads(in_pod(cluster, cluster.pod("app"), "lab"))
    print(f"isolation: {found['isolation']}; attacks: {found['attacks']}", flush=True)
    wrong = {name: said for name, said in found["wrong"].items() if name not in UNGUARDED}
    if wrong or found["wrong"].keys() != UNGUARDED:
        sys.exit(f"In the lab: {wrong}; expected to pass: {sorted(UNGUARDED)}, passed: {sorted(found['wrong'])}")


def sign_out(cluster: Cluster) -> None:
    """A person's sign-out at one replica of the app, and when each replica of each MCP server refuses them."""
    replicas = [
        f"{name.removeprefix('mcp-')}={pod['status']['podIP']}:{pod['spec']['containers'][0]['ports'][0]['containerPort']}"
        for name in sorted(_services(cluster))
        if name.startswith("mcp-")
        for pod in cluster.pods(name)
    ]
    took = json.loads(in_pod(cluster, cluster.pod("app"), "signout", "tester001", *replicas))
    print(f"sign-out: heard by {len(took)} replicas, by the last after {max(took.values()):.2f} s", flush=True)
    if max(took.values()) > HEARD_SECONDS:
        sys.exit(f"A sign-out was heard late: {took}")


def network(cluster: Cluster) -> None:
    """From one pod of each service to every Service, the cluster's API and the node; ends the program on a surprise."""
    doors = _doors(cluster)
    policies = {one["metadata"]["name"]: one["spec"] for one in cluster.get("networkpolicies")}
    wrong, shut, opened = [], 0, 0
    for name in sorted(_services(cluster)):
        addresses = {f"{host}:{port}": (host, port) for host, port in doors}
        answer = in_pod(cluster, cluster.pod(name), "reach", *addresses, *NODE)
        reached = set(json.loads(answer))
        allowed = {f"{host}:{port}" for host, port in doors if _may(policies[name], host, port)}
        # A pod reaches its own Service only by an arrow that it does not have.
        wrong += [f"{name} reaches {place}" for place in sorted(reached - allowed)]
        wrong += [f"{name} does not reach {place}" for place in sorted(allowed - reached)]
        shut, opened = shut + len(addresses) + len(NODE) - len(reached), opened + len(reached)
    print(f"network: {opened} arrows open as declared, {shut} tries refused", flush=True)
    if wrong:
        sys.exit("Not as the chart declares:\n" + "\n".join(wrong))


def vault(cluster: Cluster) -> None:
    """Each pod's ServiceAccount at every role and entry of the others; ends the program on a surprise."""
    names = sorted(_services(cluster))
    wrong, refused = [], 0
    for name in names:
        roles = json.loads(in_pod(cluster, cluster.pod(name), "roles", *names, "init", "example-view"))
        expected = {name: [name]} | ({"example-view": []} if name == "app" else {})
        refused += (len(names) + 2) * (1 + len(roles)) - len(roles) - sum(map(len, roles.values()))
        if roles != expected:
            wrong.append(f"{name} opens {roles}")
    print(f"Vault: {len(names)} pods log in as themselves alone, {refused} tries refused", flush=True)
    if wrong:
        sys.exit("Not as init made it:\n" + "\n".join(wrong))


def _services(cluster: Cluster) -> set[str]:
    return {one["metadata"]["name"] for one in cluster.get("deployments")}


def _doors(cluster: Cluster) -> list[Door]:
    """Every TCP port of every Service, the cluster's API included."""
    return [
        (f"{one['metadata']['name']}.{namespace}", port["port"])
        for namespace in (NAMESPACE, ENGINES_NAMESPACE, "kube-system", "default")
        for one in cluster.get("services", namespace=namespace)
        for port in one["spec"]["ports"]
        if port.get("protocol", "TCP") == "TCP"
    ]


def _may(policy: Object, host: str, port: int) -> bool:
    """Whether a NetworkPolicy's egress names this Service's port."""
    name, namespace = host.split(".")
    return any(
        port in [one["port"] for one in rule["ports"]] and any(_is(peer, name, namespace) for peer in rule["to"])
        for rule in policy["egress"]
    )


def _is(peer: Object, name: str, namespace: str) -> bool:
    if "podSelector" in peer:
        return bool(namespace == NAMESPACE and peer["podSelector"]["matchLabels"][NAME] == name)
    return bool(peer.get("namespaceSelector", {}).get("matchLabels", {}).get(NAMESPACE_NAME) == namespace)
