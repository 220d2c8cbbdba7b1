"""The chart's services are those of `./demo up` and compose: commands, variables and secrets cannot drift apart."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from common.servers import SERVERS
from fastmcp_vault import metrics
from fastmcp_vault.http import CONNECT_SECONDS
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
NOT_ON_KUBERNETES = {"REDIS_HOST", "REDIS_PORT", "VAULT_SECRET_ID", "EXAMPLE_SECRET_ID"}


def helm() -> str:
    """The program `helm`: the machine's, or the one that deploy/kubernetes/cluster.sh has built."""
    built = Path(os.environ.get("K8S_DIR", "/var/cache/k8s-from-source")) / "bin" / "helm"
    found = shutil.which("helm") or (str(built) if built.exists() else None)
    if found is None:
        pytest.skip("needs helm: install it, or run `deploy/kubernetes/cluster.sh helm`")
    return found


@cache
def rendered(values: str = "values.yaml", *chosen: str) -> tuple[dict[str, Any], ...]:
    """Every object that the chart makes, with further values as ``--set`` takes them."""
    command = [helm(), "template", "mcp", str(CHART), "--namespace", "mcp-remote-vault"]
    command += ["--values", str(CHART / values), *(word for one in chosen for word in ("--set", one))]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return tuple(found for found in yaml.safe_load_all(text) if found)


def named(kind: str, name: str, values: str = "values.yaml", *chosen: str) -> dict[str, Any]:
    (found,) = (one for one in rendered(values, *chosen) if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def container(name: str, *chosen: str, kind: str = "Deployment") -> dict[str, Any]:
    (only,) = named(kind, name, "values.yaml", *chosen)["spec"]["template"]["spec"]["containers"]
    return dict(only)


def variables(name: str, *chosen: str, kind: str = "Deployment") -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(name, *chosen, kind=kind)["env"]}


def peers(rules: Iterable[dict[str, Any]], side: str) -> set[str]:
    """The services that rules of a NetworkPolicy name."""
    found = (peer for rule in rules for peer in rule[side] if "podSelector" in peer)
    return {peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in found}


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
    if "ACCOUNT_PROVIDERS" in service.takes:
        expected["ACCOUNT_PROVIDERS"] = handed["ACCOUNT_PROVIDERS"]
    assert dict(handed) == expected


def test_an_mcp_server_is_given_its_own_further_provider_alone() -> None:
    entries = {"jira": {"client_secret": "of-jira"}, "github": {"client_secret": "of-github"}}
    values = dict.fromkeys((*service_settings.MADE, *service_settings.FROM_OUTSIDE), "x")
    given = service_settings.filled(values | {"ACCOUNT_PROVIDERS": json.dumps(entries)}, state="db:5432/mcp_state")
    assert json.loads(given["mcp-jira"]["ACCOUNT_PROVIDERS"]) == {"jira": entries["jira"]}
    assert json.loads(given["app"]["ACCOUNT_PROVIDERS"]) == entries
    assert "ACCOUNT_PROVIDERS" not in given["mcp-postgres"]
    assert service_settings.filled(values, state="s")["mcp-jira"]["ACCOUNT_PROVIDERS"] == "{}"


def test_what_init_makes_is_what_services_and_its_own_settings_need() -> None:
    wanted = {
        name
        for one in service_settings.SERVICE_SETTINGS.values()
        for text in one.values()
        for name in re.findall(r"\{([A-Z_]+)\}", text)
    }
    own = {spec.variable("ACCOUNT_PROVIDERS") for spec in SERVERS.values() if spec.account}
    assert wanted <= {*service_settings.MADE, *service_settings.GIVEN, *own}
    passwords = {name for name in service_named("init").secrets if name.endswith(("_CLIENT_SECRET", "_STATE_PASSWORD"))}
    assert passwords <= set(service_settings.MADE)


@pytest.mark.parametrize("service", LONG, ids=lambda s: s.name)
def test_a_pod_runs_the_same_command_with_the_same_settings(service: Service) -> None:
    made = container(service.name)
    assert made["command"] == ["python", "-m", "common.from_vault", "python", "-m", *service.module]
    given = variables(service.name)
    composed = compose.load(compose.DEMO)["services"][service.name]["environment"]
    secret = set(service_settings.SERVICE_SETTINGS[service.name]) | set(service.secrets) | NOT_ON_KUBERNETES
    assert set(composed) - secret - set(given) == set()
    common = set(variables("token-api")) if service.name == "mock" else set()
    assert set(given) - set(composed) - OF_THE_CLUSTER - common == set()
    for name in composed.keys() - secret - ITS_OWN:
        assert without_hosts(given[name]) == without_hosts(composed[name]), name


@pytest.mark.parametrize("name", [*(one.name for one in LONG), "init"])
def test_whom_a_pod_calls_is_who_lets_it_in(name: str) -> None:
    """Each address inside the release is an arrow of the NetworkPolicies, on both ends."""
    names = {one.name for one in LONG}
    given = variables("init-1", kind="Job") if name == "init" else variables(name)
    given.pop("APP_BACKCHANNEL_URL", None)  # Keycloak calls there
    called = set(re.findall(r"https?://([a-z-]+):\d+", " ".join(given.values()))) & names - {name}
    allowed = peers(named("NetworkPolicy", name)["spec"]["egress"], "to")
    assert called <= allowed
    for other in allowed:
        assert name in peers(named("NetworkPolicy", other)["spec"]["ingress"], "from")


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


def test_prometheus_alone_reads_the_metrics_of_each_service_that_has_some() -> None:
    chosen = ("monitoring.enabled=true", "monitoring.serviceMonitor.enabled=true", "monitoring.rules.enabled=true")
    port = 9464
    for one in LONG:
        ports = {
            found["name"]: found["port"] for found in named("Service", one.name, VALUES[0], *chosen)["spec"]["ports"]
        }
        assert ports.get("metrics") == (port if one.metrics else None)
        *others, last = named("NetworkPolicy", one.name, VALUES[0], *chosen)["spec"]["ingress"]
        if one.metrics:
            given = variables(one.name, *chosen)
            assert given["OTEL_METRICS_EXPORTER"] == "prometheus"
            assert (given["OTEL_EXPORTER_PROMETHEUS_HOST"], given["OTEL_EXPORTER_PROMETHEUS_PORT"]) == (
                "0.0.0.0",
                str(port),
            )
            assert last["ports"] == [{"port": port}]
            assert [list(peer) for peer in last["from"]] == [["namespaceSelector"]]
        assert all({"port": port} not in rule["ports"] for rule in (others if one.metrics else [*others, last]))
    monitor = named("ServiceMonitor", "mcp-remote-vault", VALUES[0], *chosen)["spec"]
    labels = named("Service", "mcp-jira", VALUES[0], *chosen)["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    rules = yaml.safe_load((compose.ROOT / "deploy" / "observability" / "rules.yml").read_text())
    assert named("PrometheusRule", "mcp-remote-vault", VALUES[0], *chosen)["spec"] == rules
    assert f'job="{labels[monitor["jobLabel"]]}"' in json.dumps(rules).replace('\\"', '"')
    assert {"ServiceMonitor", "PrometheusRule"}.isdisjoint(one["kind"] for one in rendered())


def test_replicas_are_added_by_the_calls_in_flight() -> None:
    scaled = named("HorizontalPodAutoscaler", "mcp-jira", "values-production.yaml")["spec"]["metrics"]
    asked = [one["pods"]["metric"]["name"] for one in scaled if one["type"] == "Pods"]
    adapter = yaml.safe_load((PLACE / "engines" / "production" / "prometheus-adapter.yaml").read_text())
    assert (
        asked == [metrics.IN_FLIGHT.name.replace(".", "_")] == [one["name"]["as"] for one in adapter["rules"]["custom"]]
    )
    assert all(one["seriesQuery"].startswith(asked[0]) for one in adapter["rules"]["custom"])


def test_what_has_a_public_address_is_routed_to_a_service_that_is_there() -> None:
    chosen = (
        "ingress.enabled=true",
        "gateway.enabled=true",
        "ingress.stickyAnnotations.cookie=yes",
        "ingress.issuer=ours",
    )
    for values in VALUES:
        found = rendered(values, *chosen)
        services = {
            (one["metadata"]["name"], port["port"])
            for one in found
            if one["kind"] == "Service"
            for port in one["spec"]["ports"]
        }
        ingresses = {one["metadata"]["name"]: one for one in found if one["kind"] == "Ingress"}
        routes = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "HTTPRoute"}
        given = yaml.safe_load((CHART / values).read_text())
        servers = {f"mcp-{one['name']}": one["publicUrl"] for one in given["mcpServers"]}
        public = {
            "app": given["public"]["app"],
            "auth-relay": given["public"]["relay"],
            "token-api": given["public"]["tokenApi"],
            "biz": given["public"]["biz"],
        }
        public |= servers | ({"chatbot": given["public"]["chatbot"]} if given.get("mocks", True) else {})
        hosts = {name: urlsplit(url).hostname for name, url in public.items()}
        assert {name: one["hostnames"][0] for name, one in routes.items()} == hosts
        assert {name: one["spec"]["rules"][0]["host"] for name, one in ingresses.items()} == hosts
        for name, route in routes.items():
            (rule,) = route["rules"]
            (backend,) = rule["backendRefs"]
            assert (backend["name"], backend["port"]) in services
            (path,) = ingresses[name]["spec"]["rules"][0]["http"]["paths"]
            same = path["backend"]["service"]
            assert (same["name"], same["port"]["number"]) == (backend["name"], backend["port"])
        sticky = {name for name, one in ingresses.items() if "cookie" in one["metadata"]["annotations"]}
        assert sticky == {"app"}


def test_every_pod_trusts_the_authorities_that_are_given() -> None:
    chosen = ("trust.configMap=authorities",)
    for kind, name in (*(("Deployment", one.name) for one in LONG), ("Job", "init-1")):
        given = variables(name, *chosen, kind=kind)
        mounts = {one["name"]: one["mountPath"] for one in container(name, *chosen, kind=kind)["volumeMounts"]}
        assert given["SSL_CERT_FILE"] == given["PGSSLROOTCERT"] == f"{mounts['trust']}/ca.crt"


def production(name: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all((PLACE / "engines" / "production" / name).read_text()) if one]


def test_the_engines_by_operators_and_the_chart_name_each_other_as_they_are_called() -> None:
    """What only a cluster with their operators would notice: a name in one file that another one spells otherwise."""
    certificates = production("certificates.yaml")
    own = {(one["kind"], one["metadata"]["name"]): one["spec"] for one in certificates}
    (keycloak,), (cluster, backup) = production("keycloak.yaml"), production("postgres.yaml")
    (openbao,) = production("openbao.yaml")
    chart = yaml.safe_load((CHART / "values-production.yaml").read_text())
    service = f"{cluster['metadata']['name']}-rw.{cluster['metadata']['namespace']}.svc"
    assert keycloak["spec"]["db"]["host"] == chart["postgres"]["host"] == service
    assert keycloak["spec"]["db"]["database"] == cluster["spec"]["bootstrap"]["initdb"]["database"]
    assert keycloak["spec"]["hostname"]["hostname"] == chart["public"]["keycloak"]
    assert backup["spec"]["cluster"]["name"] == cluster["metadata"]["name"]
    assert keycloak["spec"]["http"]["tlsSecret"] == own["Certificate", "keycloak"]["secretName"]
    assert own["Certificate", "keycloak"]["dnsNames"] == [f"{keycloak['metadata']['name']}-service.keycloak.svc"]
    assert openbao["server"]["volumes"][0]["secret"]["secretName"] == own["Certificate", "openbao"]["secretName"]
    joined = re.findall(r'leader_api_addr\s+= "https://([^:"]+):8200"', openbao["server"]["ha"]["raft"]["config"])
    assert len(joined) == openbao["server"]["ha"]["replicas"]
    assert {*joined, "openbao-active.openbao.svc"} <= set(own["Certificate", "openbao"]["dnsNames"])
    issuers = {name for kind, name in own if kind == "ClusterIssuer"}
    assert {spec["issuerRef"]["name"] for (kind, _), spec in own.items() if kind == "Certificate"} <= issuers
    (gateway,) = (one["metadata"] for one in certificates if one["kind"] == "Gateway")
    assert chart["gateway"]["parentRefs"] == [{"name": gateway["name"], "namespace": gateway["namespace"]}]
    assert gateway["annotations"]["cert-manager.io/cluster-issuer"] in issuers


def test_where_secrets_are_made_by_an_operator_no_pod_reads_its_settings_from_vault() -> None:
    for one in LONG:
        made = container(one.name, "secretsFrom=secrets")
        assert made["command"] == ["python", "-m", *one.module]
        assert made["envFrom"] == [{"secretRef": {"name": one.name}}]
        assert "envFrom" not in container(one.name)


def test_a_question_to_the_dns_that_got_lost_is_asked_again_before_a_connection_is_given_up() -> None:
    for one in LONG:
        options = named("Deployment", one.name)["spec"]["template"]["spec"]["dnsConfig"]["options"]
        assert float({option["name"]: option.get("value") for option in options}["timeout"]) < CONNECT_SECONDS
