"""The one-node cluster of deploy/kubernetes/cluster.sh, as calls; programs of its network run by ``inside``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from stack.layout import ROOT
from stack.processes import wait_until

SCRIPT = ROOT / "deploy" / "kubernetes" / "cluster.sh"
PLACE = Path(os.environ.get("K8S_DIR", "/var/cache/k8s-from-source"))
PROGRAMS = ("hyperkube", "coredns", "kube-router", "helm")
RELEASE, NAMESPACE, ENGINES_NAMESPACE = "mcp", "mcp-remote-vault", "mcp-engines"
Object = dict[str, Any]


def missing() -> list[str]:
    """The cluster's programs that were not built yet."""
    return [name for name in PROGRAMS if not (PLACE / "bin" / name).exists()]


class Cluster:
    """A cluster that is up."""

    def script(self, *words: str) -> None:
        """A command of the script. Ends the program when it fails."""
        if subprocess.run(["bash", SCRIPT, *words], check=False).returncode:
            sys.exit(f"{SCRIPT.name} {' '.join(words)} failed.")

    def command(self, *words: str | Path) -> list[str | Path]:
        """How to run a program in the cluster's network."""
        return ["bash", SCRIPT, "exec", *words]

    def run(self, *words: str | Path, given: str | None = None, check: bool = True) -> str:
        """Standard output of a program in the cluster's network; ends the program with its errors when it fails."""
        done = self.tried(*words, given=given)
        if done.returncode and check:
            sys.exit(f"{' '.join(map(str, words[:8]))} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def tried(self, *words: str | Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """A program in the cluster's network, whatever comes of it."""
        command = self.command(*words)
        return subprocess.run(command, check=False, capture_output=True, text=True, input=given, cwd=ROOT)

    def kubectl(self, *words: str, given: str | None = None, check: bool = True, namespace: str = NAMESPACE) -> str:
        """Standard output of ``kubectl``."""
        return self.run("kubectl", "-n", namespace, *words, given=given, check=check)

    def helm(self, *words: str | Path) -> str:
        """Standard output of ``helm``, for the one release."""
        return self.run("helm", "--namespace", NAMESPACE, *words)

    def get(self, kind: str, *words: str, namespace: str = NAMESPACE) -> list[Object]:
        """Objects of a kind."""
        text = self.kubectl("get", kind, *words, "-o", "json", namespace=namespace)
        items: list[Object] = json.loads(text)["items"]
        return items

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """``kubectl apply`` of these."""
        self.kubectl("apply", "-f", "-", given=yaml.safe_dump_all(objects))

    def pods(self, name: str, *, namespace: str = NAMESPACE) -> list[Object]:
        """The pods of a service that are not ending."""
        label = f"app.kubernetes.io/name={name}" if namespace == NAMESPACE else f"app={name}"
        found = self.get("pods", "-l", label, namespace=namespace)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def pod(self, name: str, *, namespace: str = NAMESPACE) -> str:
        """The name of one ready pod of a service."""
        found = [pod["metadata"]["name"] for pod in self.pods(name, namespace=namespace) if is_ready(pod)]
        if not found:
            sys.exit(f"{name} has no ready pod:\n{self.state()}")
        return str(found[0])

    def until(self, what: str, good: Callable[[], bool], *, within: float = 300) -> float:
        """Seconds until ``good``. Ends the program, with the state of the pods, when that takes too long."""
        began = time.monotonic()
        if not any(good() for _ in wait_until(began + within, step=1.5)):
            sys.exit(f"Not so after {within:.0f} s: {what}\n{self.state()}")
        return time.monotonic() - began

    def rolled_out(self, *, namespace: str = NAMESPACE, within: float = 600) -> None:
        """Return when every Deployment and StatefulSet has all of its replicas ready, and no others."""

        def well() -> bool:
            return all(map(is_whole, self.get("deployments,statefulsets", namespace=namespace)))

        self.until(f"everything in {namespace} is ready", well, within=within)

    def state(self) -> str:
        """What a person would look at first: the pods, and the last words of those that are not ready."""
        said = [self.kubectl("get", "pods", "-A", "-o", "wide", check=False)]
        with suppress(SystemExit):
            for pod in self.get("pods", "-A"):
                if not is_ready(pod) and pod["status"].get("phase") != "Succeeded":
                    where, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
                    said += [f"--- {name}", self.kubectl("logs", name, "--tail=15", check=False, namespace=where)]
                    events = ("get", "events", f"--field-selector=involvedObject.name={name}")
                    said += [self.kubectl(*events, check=False, namespace=where)[-1500:]]
        return "\n".join(said)


def is_ready(pod: Object) -> bool:
    """Whether a pod's condition says so."""
    conditions = pod["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def is_whole(workload: Object) -> bool:
    """Whether a Deployment or StatefulSet has what it asks for, all of the newest generation."""
    wanted, status = workload["spec"].get("replicas", 1), workload["status"]
    seen = status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
    numbers = {status.get(name, 0) for name in ("replicas", "readyReplicas", "updatedReplicas")}
    return bool(seen and numbers == {wanted})
