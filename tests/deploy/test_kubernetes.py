"""The chart's services are those of `./demo up` and compose: commands, variables and secrets cannot drift apart."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.servers import SERVERS
from init import service_settings, vault_kubernetes
from init.settings import InitSettings
from stack.service import Service
from stack.services import SERVICES
from stack.services import service as service_named
from tests.deploy import compose
from tests.deploy.test_compose import without_hosts

PLACE = compose.ROOT / "deploy" / "kubernetes"
CHART = PLACE / "mcp-remote-vault"
VALUES = ("values.yaml", "values-production.yaml")
LONG = [one for one in SERVICES if one.program is None and not one.one_shot and not one.optional]
OF_THE_CLUSTER = {"VAULT_SERVICE_ACCOUNT_TOKEN", "VAULT_SERVICE_ACCOUNT_MOUNT", "VAULT_SETTINGS_OF", "POSTGRES_SSLMODE"}
ITS_OWN = {
    "AUDIT_FILE",
    "USE_REDIS",
    "LAB_USERS_FILE",
    "MOCK_USERS_FILE",
    "VAULT_ADDR",
    "KEYCLOAK_URL",
    "POSTGRES_HOST",
}
"""Here without Redis, with people from a Secret, and with engines at addresses of their own."""
NOT_ON_KUBERNETES = {"ACCOUNT_PROVIDERS", "REDIS_HOST", "REDIS_PORT", "VAULT_SECRET_ID", "EXAMPLE_SECRET_ID"}


def helm() -> str:
    """The program `helm`: the machine's, or the one that deploy/kubernetes/cluster.sh has built."""
    built = Path(os.environ.get("K8S_DIR", "/var/cache/k8s-from-source")) / "bin" / "helm"
    found = shutil.which("helm") or (str(built) if built.exists() else None)
    if found is None:
        pytest.skip("needs helm: install it, or run `deploy/kubernetes/cluster.sh helm`")
    return found


@cache
def rendered(values: str = "values.yaml") -> tuple[dict[str, Any], ...]:
    """Every object that the chart makes."""
    command = [
        helm(),
        "template",
        "mcp",
        str(CHART),
        "--namespace",
        "mcp-remote-vault",
        "--values",
        str(CHART / values),
    ]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return tuple(found for found in yaml.safe_load_all(text) if found)


def named(kind: str, name: str, values: str = "values.yaml") -> dict[str, Any]:
    (found,) = (one for one in rendered(values) if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def container(name: str) -> dict[str, Any]:
    (only,) = named("Deployment", name)["spec"]["template"]["spec"]["containers"]
    return dict(only)


def variables(name: str) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(name)["env"]}


def test_the_list_of_mcp_servers_is_that_of_the_specs() -> None:
    for values in VALUES:
        listed = yaml.safe_load((CHART / values).read_text())["mcpServers"]
        assert [(one["name"], one["port"], one.get("account", False)) for one in listed] == [
            (spec.name, spec.port, bool(spec.account)) for spec in SERVERS.values()
        ]
        for one in listed:
            assert SERVERS[one["name"]].back_end.keys() <= one["env"].keys()


@pytest.mark.parametrize("service", LONG, ids=lambda s: s.name)
def test_a_service_takes_from_vault_the_secrets_that_the_stack_hands_to_it(service: Service) -> None:
    handed = service_settings.SERVICE_SETTINGS[service.name]
    expected = {
        name: re.sub(r"\{secret\[(\w+)\]\}", r"{\1}", value).replace("localhost:{port[postgres]}/mcp_state", "{state}")
        for name, value in service.secrets.items()
        if name not in NOT_ON_KUBERNETES
    }
    assert dict(handed) == expected


def test_what_init_makes_is_what_services_and_its_own_settings_need() -> None:
    wanted = {
        name
        for one in service_settings.SERVICE_SETTINGS.values()
        for text in one.values()
        for name in re.findall(r"\{([A-Z_]+)\}", text)
    }
    assert wanted <= set(service_settings.MADE)
    passwords = {name for name in service_named("init").secrets if name.endswith(("_CLIENT_SECRET", "_STATE_PASSWORD"))}
    assert passwords <= set(service_settings.MADE)


@pytest.mark.parametrize("service", LONG, ids=lambda s: s.name)
def test_a_pod_runs_the_same_command_with_the_same_settings(service: Service) -> None:
    made = container(service.name)
    assert made["command"] == ["python", "-m", "common.from_vault", "python", "-m", *service.module]
    given = variables(service.name)
    composed = compose.load(compose.DEMO)["services"][service.name]["environment"]
    secret = set(service.secrets) | NOT_ON_KUBERNETES
    assert set(composed) - secret - set(given) == set()
    common = set(variables("token-api")) if service.name == "mock" else set()
    assert set(given) - set(composed) - OF_THE_CLUSTER - common == set()
    for name in composed.keys() - secret - ITS_OWN:
        assert without_hosts(given[name]) == without_hosts(composed[name]), name


@pytest.mark.parametrize("service", LONG, ids=lambda s: s.name)
def test_whom_a_service_calls_is_who_lets_it_in(service: Service) -> None:
    """Each address inside the release is an arrow of the NetworkPolicies, on both ends."""
    names = {one.name for one in LONG}
    called = set(re.findall(r"https?://([a-z-]+):\d+", " ".join(variables(service.name).values()))) & names
    called.discard(service.name)
    rules = named("NetworkPolicy", service.name)["spec"]["egress"]
    allowed = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in rules
        for peer in rule["to"]
        if "podSelector" in peer
    }
    assert called <= allowed
    for other in allowed:
        (rule,) = named("NetworkPolicy", other)["spec"]["ingress"]
        assert service.name in {
            peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
            for peer in rule["from"]
            if "podSelector" in peer
        }


@pytest.mark.parametrize("values", VALUES)
def test_helm_finds_nothing_to_complain_about(values: str) -> None:
    done = subprocess.run(
        [helm(), "lint", CHART, "--values", CHART / values], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_a_value_that_the_schema_does_not_know_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("mcpServers: [{name: jira, port: 3001, publicUrl: http://localhost:3001, secrett: x}]\n")
    command = [helm(), "template", "mcp", str(CHART), "--values", str(wrong)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "secrett" in done.stderr


def test_no_pod_may_more_than_the_restricted_standard() -> None:
    pods = [one["spec"]["template"]["spec"] for one in rendered() if one["kind"] in ("Deployment", "Job")]
    assert len(pods) == len(LONG) + 1
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod["automountServiceAccountToken"]
        for one in pod["containers"]:
            assert one["securityContext"]["readOnlyRootFilesystem"]
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert not one["securityContext"]["allowPrivilegeEscalation"]


def test_an_engine_that_starts_again_finds_its_data_as_it_left_them() -> None:
    """Each start would otherwise open the files to the group; PostgreSQL then refuses to start."""
    objects = yaml.safe_load_all((PLACE / "engines" / "engines.yaml").read_text())
    kept = [one["spec"]["template"]["spec"]["securityContext"] for one in objects if one["kind"] == "StatefulSet"]
    assert [one["fsGroupChangePolicy"] for one in kept] == ["OnRootMismatch"] * 2


def test_what_helm_test_makes_goes_with_its_success() -> None:
    """Hooks are no part of a release: `helm uninstall` leaves them."""
    assert "hook-succeeded" in named("Pod", "helm-test")["metadata"]["annotations"]["helm.sh/hook-delete-policy"]


def test_the_engines_hold_what_compose_gives_them() -> None:
    objects = list(yaml.safe_load_all((PLACE / "engines" / "engines.yaml").read_text()))
    maps = {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}
    assert maps["postgres"]["keycloak.sh"] == (compose.ROOT / "deploy/postgres/keycloak.sh").read_text()
    advertised = json.loads((compose.ROOT / "deploy/keycloak/metadata.json").read_text())
    assert json.loads(maps["keycloak"]["metadata.json"]) == advertised
    config = json.loads(maps["vault"]["local.json"])
    (first,) = config["initialize"]
    asked = {path: data for request in first["login"]["request"] for path, data in _paths(request)}
    settings = InitSettings(kubernetes_namespace="mcp-remote-vault", state_dsn="")
    assert asked["sys/policies/acl/init"] == {"policy": vault_kubernetes.init_policy(settings)}
    assert asked["auth/kubernetes/role/init"]["audience"] == vault_kubernetes.AUDIENCE


def _paths(request: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(one["path"], one["data"]) for one in request.values()]
