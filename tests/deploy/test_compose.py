"""The containers are the same services as `./demo up`: ports, commands, variables and secrets cannot drift apart."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from app.settings import AppSettings
from common.servers import SERVERS
from init.settings import InitSettings
from init.unseal import UnsealSettings
from mcp_servers.kind import server_named
from mock_services.chatbot.settings import ChatbotSettings
from mock_services.settings import MockSettings
from services.agents.settings import AgentsSettings
from services.auth_relay.settings import RelaySettings
from services.token_api.settings import LaunchSettings, TokenApiSettings
from stack import distribution
from stack.compose import SECTIONS, written
from stack.instance import make
from stack.keycloak import ADVERTISED, ADVERTISED_WITH_DOCUMENTS, KeycloakPart
from stack.layout import Layout
from stack.overridable import OVERRIDABLE
from stack.service import Service
from stack.services import PORTS, SERVICES
from stack.services import service as service_named
from tests.deploy import compose

SETTINGS: dict[str, tuple[type[BaseSettings], ...]] = {
    "unseal": (UnsealSettings,),
    "init": (InitSettings, UnsealSettings),
    "mock": (MockSettings,),
    **{spec.client: (server_named(spec.name).settings,) for spec in SERVERS.values()},
    "token-api": (TokenApiSettings, LaunchSettings),
    "agents": (AgentsSettings,),
    "app": (AppSettings,),
    "auth-relay": (RelaySettings,),
    "chatbot": (ChatbotSettings,),
}
ONLY_IN_THE_DEMO = {"mock", "chatbot", "unseal"}
PYTHON = [service for service in SERVICES if service.program is None and not service.optional]
OBSERVED = {name for name in OVERRIDABLE if name.startswith(("LOG_", "OTEL_EXPORTER_", "OTEL_TRACES_SAMPLER"))}
"""What every process of ours reads beside its settings: OpenTelemetry's standard variables, and how it logs."""

WITHOUT_CONTAINER = {"zipkin", "zipkin-inner", "prometheus-inner", "front", "room", "room-page"}
"""Jaeger has Zipkin's place there; what a check of ``Host`` stands in front of has no published port. A room's front is
`./demo up --room`'s alone."""

OF_A_ROOM = {"ROOM_FILE", "MOCK_ROOM_FILE", "LAB_ROOM_FILE"}
"""A room's people are made by `./demo people`, at a demo that `./demo up` started."""

ONLY_IN_CONTAINERS = {
    "MCP_APPROVAL",
    "MCP_APPROVAL_LOGIN_AGE",
    "MCP_APPROVAL_ACR",
    "MCP_LIMIT_PERSON",
    "MCP_LIMIT_CLIENT",
    "MCP_LIMIT_TOOL",
    "MCP_LIMIT_TOOLS",
    "PROFILE",
    "ALLOWED_HOSTS",
    "MCP_ALLOWED_HOSTS",
    "APP_ALLOWED_HOSTS",
    "APP_BACKCHANNEL_URL",
    "RELAY_ALLOWED_HOSTS",
    "TOKEN_API_ALLOWED_HOSTS",
    "VAULT_KEYS_FILE",
    "VAULT_AUDIT_MODE",
    "ACCOUNT_PROVIDERS",
    "JIRA_OAUTH_INSIDE_URL",
    "GITHUB_OAUTH_INSIDE_URL",
    "AGENTS_ALLOWED_HOSTS",
    "AUTH_MODE",
    "USE_REDIS",
    "REDIS_HOST",
    "REDIS_PORT",
}
FOUND_BY_UNSEALING = {"VAULT_TOKEN"}
HOSTS = re.compile(
    r"\b(localhost|127\.0\.0\.1|0\.0\.0\.0|keycloak|vault|host-check|postgres|mock|agents|mcp-\w+|token-api|app|auth-relay|chatbot)"
    r"(?=[:/]|$)"
)


def observed(name: str) -> set[str]:
    """The mock speaks for other people's servers: it sends no spans."""
    return set() if name == "mock" else OBSERVED


def services() -> dict[str, Any]:
    return dict(compose.load(compose.DEMO)["services"])


def observes(container: dict[str, Any]) -> bool:
    """Whether it is one of other people's programs that show what the services do."""
    return container.get("profiles") == ["observability"]


def without_hosts(value: str) -> str:
    return HOSTS.sub("HOST", value)


@pytest.mark.parametrize("service", PYTHON, ids=lambda s: s.name)
def test_a_container_runs_the_same_command(service: Service) -> None:
    command = services()[service.name]["command"]
    assert command[-2 - len(service.module) :] == ["python", "-m", *service.module]


@pytest.mark.parametrize("service", PYTHON, ids=lambda s: s.name)
def test_a_container_is_given_the_same_variables(service: Service) -> None:
    given = set(services()[service.name]["environment"])
    expected = {*service.env, *service.secrets} - FOUND_BY_UNSEALING - OF_A_ROOM
    assert expected - given == set()
    assert given - expected - ONLY_IN_CONTAINERS == observed(service.name)


@pytest.mark.parametrize("service", PYTHON, ids=lambda s: s.name)
def test_the_values_differ_only_in_host_names(service: Service) -> None:
    given = services()[service.name]["environment"]
    for name, template in service.env.items():
        if name in OF_A_ROOM:
            continue
        if name in (
            "BIND_HOST",
            "USERS_FILE",
            "MOCK_USERS_FILE",
            "LAB_USERS_FILE",
            "SESSION_CACHE_DIR",
            "VAULT_CLIENT_CONFIG",
            "AUDIT_FILE",
            "LOGS_DIR",
            "VAULT_AUDIT_FILE",
            "MOCK_OAUTH_DIR",
        ):
            continue
        value = re.sub(r"\{port\[([\w-]+)\]\}", lambda match: str(PORTS[match[1]]), template)
        assert without_hosts(given[name]) == without_hosts(value), name


@pytest.mark.parametrize("name", SETTINGS)
def test_every_variable_is_one_that_the_process_reads(name: str) -> None:
    known = {field.upper() for settings in SETTINGS[name] for field in settings.model_fields}
    assert set(services()[name]["environment"]) - known == observed(name)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_demos_secrets_are_those_that_production_refuses(name: str) -> None:
    """A default that settings do not know as the demo's would pass for a real secret."""
    given = services()[name]["environment"]
    for settings in SETTINGS[name]:
        for field, info in settings.model_fields.items():
            if isinstance(info.default, SecretStr) and field.upper() in given and field != "state_dsn":
                assert given[field.upper()] == info.default.get_secret_value(), field


@pytest.mark.parametrize("file", SECTIONS)
def test_what_is_said_of_each_mcp_server_is_what_demo_compose_writes(file: str) -> None:
    text = (compose.ROOT / file).read_text()
    assert written(file, text) == text, "run `./demo compose`"


def test_ports_are_the_same_and_on_loopback_only() -> None:
    observing = {port for service in services().values() for port in service.get("ports", []) if observes(service)}
    published = {port for service in services().values() for port in service.get("ports", [])} - observing
    of_no_service = ("openbao-cluster", "keycloak-inner", *(service.metrics for service in SERVICES))
    of_optional = {port for service in SERVICES if service.optional for port in service.ports} - WITHOUT_CONTAINER
    of_no_service = {*of_no_service, *WITHOUT_CONTAINER}
    expected = {port for name, port in PORTS.items() if name not in {*of_no_service, *of_optional}}
    assert published == {f"127.0.0.1:{port}:{port}" for port in expected}
    assert {f"127.0.0.1:{PORTS[name]}:{PORTS[name]}" for name in of_optional} < observing
    assert all(port.startswith("127.0.0.1:") for port in observing)


def test_every_service_says_when_it_is_well_and_waits_for_what_it_uses() -> None:
    every = services()
    names = {"openbao": "vault"}
    for service in SERVICES:
        if service.name in WITHOUT_CONTAINER:
            continue
        container = every[names.get(service.name, service.name)]
        assert ("healthcheck" in container) != service.one_shot, service.name
        uses = {names.get(used, used) for used in service.uses}
        assert uses <= set(container.get("depends_on", {})), service.name
    for container in every.values():
        for name, wait in container.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if name == "init" else "service_healthy"
            # Vault is sealed, so not healthy, until it has been unsealed.
            assert wait["condition"] == ("service_started" if container is every["unseal"] else wanted)


def test_each_image_of_ours_is_built_once_and_the_app_alone_has_the_front_end() -> None:
    every = services()
    images = {name: container["image"] for name, container in every.items()}
    ours = {name: image for name, image in images.items() if image.startswith("mcp-remote-vault")}
    builders = Counter(ours[name] for name in ours if "build" in every[name])
    assert builders == dict.fromkeys(ours.values(), 1)
    assert [name for name in ours if ours[name] == ours["app"]] == ["app"]
    others = {*SETTINGS, "vault-client", "host-check", "observability-check"} - {"app"}
    assert {name for name in ours if ours[name] == ours["mcp-jira"]} == others


@pytest.mark.parametrize("name", [name for name in SETTINGS if name not in {"init", "unseal"}])
def test_a_health_check_asks_by_a_name_that_is_let_in_wherever_the_service_is_published(name: str) -> None:
    """Its ``Host`` is looked for in the container's own settings: a public address of one's own changes nothing."""
    container = services()[name]
    assert container["healthcheck"]["test"][:3] == ["CMD", "python", "/app/healthcheck.py"]
    asked = subprocess.run(
        [sys.executable, "-c", "import healthcheck; print(healthcheck.host())"],
        cwd=compose.ROOT / "deploy",
        env=container["environment"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    named = {value for key, value in container["environment"].items() if key.endswith("ALLOWED_HOSTS")}
    # The mock chatbot, which is the demo's alone, lets in `localhost` beside its two addresses.
    assert {asked} == (named or {"localhost"})
    assert bool(named) == (name != "chatbot")


def test_the_app_alone_reads_vault_s_audit_log_whichever_vault_it_is() -> None:
    document = compose.load(compose.DEMO)
    containers = document["services"]
    mounts = {name: one["volumes"] for name, one in containers.items() if "volumes" in one}
    readers = {name for name, volumes in mounts.items() if any("-logs:" in str(volume) for volume in volumes)}
    assert readers == {"vault", "app"}
    files = containers["app"]["environment"]["AUDIT_FILE"].split(":")
    for volume, file in zip(("vault-logs", "openbao-logs"), files, strict=True):
        folder = file.rpartition("/")[0]
        assert f"{volume}:{folder}" in mounts["vault"]
        assert f"{volume}:{folder}:ro" in mounts["app"]
    (device,) = json.loads(containers["vault"]["environment"]["BAO_LOCAL_CONFIG"])["audit"]
    assert device["options"] == {"file_path": files[1], "mode": "0644"}
    assert InitSettings().vault_audit_file == files[0]
    assert containers["init"]["environment"]["VAULT_AUDIT_MODE"] == "0644"


def test_the_example_documents_every_variable_with_its_default() -> None:
    lines = (compose.ROOT / ".env.example").read_text().splitlines()
    documented = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    used: dict[str, set[tuple[str, str]]] = compose.variables(compose.DEMO)
    assert set(used) - set(documented) == set()
    for name, ways in used.items():
        assert {default for kind, default in ways if kind == "-"} == {documented[name]}, name
    assert set(documented) - set(used) - set(compose.variables(compose.PRODUCTION)) == set()
    for number, line in enumerate(lines):
        if re.match(r"[A-Z_]+=", line):
            above = next(before for before in reversed(lines[:number]) if not re.match(r"[A-Z_]+=", before))
            assert above.startswith("#"), line


def test_production_demands_every_secret_and_takes_none_of_the_demos() -> None:
    demanded = {name for name, ways in compose.variables(compose.PRODUCTION).items() if any(k == "?" for k, _ in ways)}
    with pytest.raises(compose.Missing):
        compose.load(compose.PRODUCTION)
    given = {name: f"https://{name.lower().replace('_', '-')}.example.com" for name in demanded}
    whole = compose.overlaid(compose.load(compose.DEMO), compose.load(compose.PRODUCTION, given))
    for name, kinds in SETTINGS.items():
        if name in ONLY_IN_THE_DEMO:
            assert whole["services"][name]["profiles"] == ["demo"]
            continue
        environment = whole["services"][name]["environment"]
        assert environment["PROFILE"] == "production"
        for settings in kinds:
            for field, info in settings.model_fields.items():
                default = info.default
                if isinstance(default, SecretStr) and field.upper() in environment:
                    assert environment[field.upper()] != default.get_secret_value(), f"{name}: {field}"


def test_production_starts_with_what_it_demands_and_with_nothing_less() -> None:
    """Every service's settings accept the overlay's addresses and values of one's own, without the demo's people."""
    demanded = {name for name, ways in compose.variables(compose.PRODUCTION).items() if any(k == "?" for k, _ in ways)}
    address = {name for name in demanded if name.endswith(("_URL", "_ADDR"))}
    given = {name: f"0123456789abcdef0123456789abcdef-{name}" for name in demanded - address}
    given |= {name: f"https://{name.lower().replace('_', '-')}.example.com" for name in address}
    given["APP_SESSION_KEY"] = Fernet.generate_key().decode()
    whole = compose.overlaid(compose.load(compose.DEMO), compose.load(compose.PRODUCTION, given))
    for name, kinds in SETTINGS.items():
        if name in ONLY_IN_THE_DEMO:
            assert whole["services"][name]["profiles"] == ["demo"]
            continue
        environment = whole["services"][name]["environment"]
        for kind in kinds:
            fields = {
                field.lower(): value for field, value in environment.items() if field.lower() in kind.model_fields
            }
            if kind is TokenApiSettings:
                fields["renewal_token"] = "hvs.0123456789abcdef"
            assert kind(_env_file=None, **fields).profile == "production", name
    people = whole["services"]["init"]["environment"]["USERS_FILE"]
    assert people != "/app/init/users.yaml"
    assert f"/dev/null:{people}:ro" in whole["services"]["init"]["volumes"], "nobody, where no file is given"
    assert "init/users.yaml" not in str(whole["services"]["init"]["volumes"])


@pytest.mark.parametrize("password", ["keycloak", "short"])
def test_production_refuses_keycloaks_published_or_short_database_password(password: str) -> None:
    given = {name: password for name, _ in compose.variables(compose.PRODUCTION).items()}
    whole = compose.overlaid(compose.load(compose.DEMO), compose.load(compose.PRODUCTION, given))
    environment = whole["services"]["postgres"]["environment"]
    done = subprocess.run(
        ["sh", "deploy/postgres/keycloak.sh"],
        cwd=compose.ROOT,
        env=environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("KEYCLOAK_DB_PASSWORD holds the demo's value or has fewer than 16 characters")


def test_keycloak_is_built_alike() -> None:
    built = (compose.ROOT / services()["keycloak"]["build"] / "Dockerfile").read_text()
    assert tuple(re.findall(r"^ +(--\S+)", built, re.MULTILINE)) == distribution.BUILD_OPTIONS
    assert f"FROM keycloak/keycloak:{distribution.VERSION}\n" in built
    assert services()["keycloak"]["command"] == ["start", "--optimized"]


def test_documented_clients_are_let_in_and_advertised_as_in_the_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CLIENT_DOCUMENTS", raising=False)
    part = KeycloakPart(make(Layout(tmp_path, tmp_path), PORTS))
    plain = part.environment()
    monkeypatch.setenv("CLIENT_DOCUMENTS", "https://app.example/client.json")
    added = part.environment().items() - plain.items()
    with pytest.raises(compose.Missing):
        compose.load(compose.DOCUMENTS)
    given = compose.load(compose.DOCUMENTS, {"CLIENT_DOCUMENTS": "https://app.example/client.json"})["services"]
    assert given["keycloak"]["environment"].keys() == {name for name, _ in added}
    (mounted,) = given["keycloak"]["volumes"]
    source, target, mode = mounted.split(":")
    assert {compose.ROOT / source} == {Path(value) for _, value in added}
    assert (set(given["keycloak"]["environment"].values()), mode) == ({target}, "ro")
    assert set(given["init"]["environment"]) <= set(service_named("init").takes)


def test_with_documents_keycloak_says_the_same_and_one_thing_more() -> None:
    plain, more = (json.loads(path.read_text()) for path in (ADVERTISED, ADVERTISED_WITH_DOCUMENTS))
    assert more == plain | {"client_id_metadata_document_supported": True}


def test_one_vault_version_with_the_fixes_for_templated_policies() -> None:
    product, version = services()["vault"]["image"].split(":")
    assert product == "hashicorp/vault"
    assert tuple(map(int, version.split("."))) >= (2, 2, 2)


def test_the_image_holds_every_package_that_a_container_runs() -> None:
    dockerfile = (compose.ROOT / "Dockerfile").read_text()
    ignored = (compose.ROOT / ".dockerignore").read_text()
    rooms = {"common", "src/fastmcp_vault"} | {service.module[0].split(".")[0] for service in PYTHON if service.module}
    for room in rooms:
        assert f"COPY {room} {room.removeprefix('src/')}" in dockerfile, room
        assert f"!{room}" in ignored, room


def test_an_image_holds_what_its_processes_need_and_no_more() -> None:
    lock = (compose.ROOT / "requirements.txt").read_text()

    def left(*excluded: str) -> dict[str, str]:
        script = [sys.executable, "deploy/select_packages.py", "requirements.txt", *excluded]
        text = subprocess.run(script, cwd=compose.ROOT, capture_output=True, text=True, check=True).stdout
        return dict.fromkeys(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==", text, re.MULTILINE), text)

    everything, servers = left(), left("streamlit")
    assert set(left().values()) == {"\n".join(line for line in lock.splitlines() if not line.startswith("#")) + "\n"}
    assert {"streamlit", "pandas", "pyarrow", "numpy", "pillow"} <= everything.keys() - servers.keys()
    assert {"fastmcp", "hvac", "python-keycloak", "psycopg", "requests", "anyio"} <= servers.keys()
    assert left("requests").keys() == everything.keys(), "what others need stays"
    with pytest.raises(subprocess.CalledProcessError):
        left("no-such-package")
