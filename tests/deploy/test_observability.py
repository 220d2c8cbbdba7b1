"""Dashboards, rules and Prometheus itself: they ask for metrics that there are, and get them from a running stack."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from fastmcp_vault.errors import InputError
from fastmcp_vault.http import async_client
from fastmcp_vault.metrics import INSTRUMENTS, Count, Duration
from stack import programs
from stack.layout import ROOT
from stack.part import Instance, Say, StackPart
from stack.ports import free_ports
from stack.prometheus import CONSOLE, PrometheusPart
from stack.services import PORTS, SERVICES
from stack.testing import Stack
from stack.zipkin import ZipkinPart
from tests.deploy import compose
from tests.mcp_servers.callers import signed_in, text, until
from tests.mcp_servers.serving import replica
from tests.support.browser import PATIENCE, arrivals, chromium, started
from tests.support.people import Person

FILES = ROOT / "deploy" / "observability"
RULES = yaml.safe_load((FILES / "rules.yml").read_text())["groups"][0]["rules"]
METRIC = re.compile(r"\bfastmcp_vault_\w+")
PROMETHEUS = shutil.which("prometheus")

PANELS = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for file in sorted(FILES.glob("dashboards/*.json"))
    for panel in json.loads(file.read_text())["panels"]
    for target in panel["targets"]
}
"""What the dashboards ask Prometheus, by the title of the panel."""

debian = pytest.mark.skipif(PROMETHEUS is None, reason="Debian's package prometheus is not installed")


def names() -> set[str]:
    """Every name under which Prometheus has a metric of ours."""
    found: set[str] = set()
    for one in INSTRUMENTS:
        name = one.name.replace(".", "_")
        if isinstance(one, Duration):
            found |= {f"{name}_seconds_{part}" for part in ("bucket", "count", "sum")}
        else:
            found.add(f"{name}_total" if isinstance(one, Count) else f"{name}_seconds" if one.unit == "s" else name)
    return found


ASKING = [FILES / "rules.yml", *sorted(FILES.glob("dashboards/*.json")), *sorted(FILES.glob("consoles/*.html"))]


@pytest.mark.parametrize("path", ASKING, ids=lambda path: path.name)
def test_only_metrics_that_there_are_are_asked_for(path: Path) -> None:
    asked = set(METRIC.findall(path.read_text()))
    assert asked
    assert asked <= names()


def test_the_page_for_operators_says_of_each_alert_what_it_means_and_what_to_do() -> None:
    page = (ROOT / "docs" / "OPERATE.md").read_text().partition("\n## Alerts\n")[2].partition("\n## ")[0]
    explained = set(re.findall(r"^\| `([A-Z]\w+)` \|", page, re.MULTILINE))
    assert explained == {rule["alert"] for rule in RULES}


def test_prometheus_is_told_of_every_service_that_has_metrics() -> None:
    config = yaml.safe_load((FILES / "prometheus.yml").read_text())
    told = config["scrape_configs"][0]["static_configs"][0]["targets"]
    assert sorted(told) == sorted(f"localhost:{PORTS[service.metrics]}" for service in SERVICES if service.metrics)


def test_the_programs_of_the_containers_find_each_other_and_the_files(tmp_path: Path) -> None:
    every = {name: one for name, one in compose.load(compose.DEMO)["services"].items() if "profiles" in one}
    assert {"collector", "jaeger", "prometheus", "grafana"} < set(every)
    for one in every.values():
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), source
    assert [name for name in ("collector", "jaeger", "prometheus", "grafana") if "ports" in every[name]] == []
    doors = [word for word in every["observability-check"]["command"] if word.startswith("--door=")]
    behind = {f"127.0.0.1:{port}:{port}" for port in re.findall(r"0\.0\.0\.0:(\d+)=", " ".join(doors))}
    assert behind == set(every["observability-check"]["ports"]), "each published port is a checked one"
    named = {
        host
        for file in sorted(FILES.glob("compose/*.yml"))
        for host in re.findall(r"http://([a-z]+):", file.read_text())
    }
    assert named == {"jaeger", "prometheus", "localhost"}
    for file in (FILES / "compose" / "prometheus.yml", FILES / "rules.yml"):
        shutil.copy(file, tmp_path)
    if PROMETHEUS:
        subprocess.run(["promtool", "check", "config", "prometheus.yml"], cwd=tmp_path, check=True, timeout=60)


def test_prometheus_is_asked_for_and_missing_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="Prometheus is not installed") as refused:
        programs.prometheus()
    assert "apt-get install prometheus" in refused.value.fix


@debian
def test_the_rules_are_sound_and_fire_when_they_should() -> None:
    for words in (["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"]):
        done = subprocess.run(["promtool", *words], cwd=FILES, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    tested = {
        one["alertname"]
        for each in yaml.safe_load((FILES / "rules.test.yml").read_text())["tests"]
        for one in each["alert_rule_test"]
        if one["exp_alerts"]
    }
    assert tested == {rule["alert"] for rule in RULES}


@asynccontextmanager
async def running(part: StackPart, log: Path) -> AsyncIterator[None]:
    """A part beside the stack, for as long as the block runs."""
    await asyncio.to_thread(part.prepare, lambda _: None)
    launch = part.launch()
    with log.open("wb") as to:
        process = await asyncio.create_subprocess_exec(*launch.argv, cwd=launch.cwd, stdout=to, stderr=to)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


class QuickPrometheus(PrometheusPart):
    """As ``./demo up --observe`` runs it, and quicker."""

    def prepare(self, say: Say) -> None:
        super().prepare(say)
        config = self._home / "prometheus.yml"
        config.write_text(config.read_text().replace("interval: 5s", "interval: 1s"))


def observed(stack: Stack, folder: Path, **ports: int) -> Instance:
    """This stack as Prometheus and Zipkin see it, each with data and ports of its own."""
    layout = replace(stack.instance.layout, state=folder)
    layout.make()
    own = free_ports(("prometheus", "prometheus-inner", "zipkin", "zipkin-inner"))
    return replace(stack.instance, layout=layout, ports={**stack.ports, **own, **ports})


@asynccontextmanager
async def prometheus(instance: Instance) -> AsyncIterator[httpx2.AsyncClient]:
    """Debian's Prometheus beside this stack; who asks its API."""
    async with running(QuickPrometheus(instance), instance.layout.state / "prometheus.log"), async_client() as client:
        client.base_url = httpx2.URL(f"http://localhost:{instance.ports['prometheus']}/api/v1/")
        yield client


async def asked(client: httpx2.AsyncClient, path: str, **query: str) -> Any:
    """What Prometheus answers; nothing while it starts."""
    try:
        answer = await client.get(path, params=query)
    except httpx2.TransportError:
        return None
    return answer.json()["data"] if answer.is_success else None


@debian
async def test_prometheus_gets_a_call_of_the_running_stack_and_nobodys_name(
    stack: Stack, alice: Person, tmp_path: Path
) -> None:
    caller = await signed_in(stack, alice)
    assert not (await caller.call("jira", "list_projects")).is_error
    instance = observed(stack, tmp_path)
    counted = 'fastmcp_vault_call_duration_seconds_count{server="jira",tool="list_projects",outcome="done"}'
    rate = "sum by (server, outcome) (rate(fastmcp_vault_call_duration_seconds_count[5m]))"
    async with prometheus(instance) as client:

        async def scraped() -> bool:
            there, up = await asked(client, "query", query=rate), await asked(client, "query", query="up == 1")
            return bool(there and up and there["result"] and len(up["result"]) == 4)

        await until(scraped, within=60)
        answers = {panel: await client.get("query", params={"query": query}) for panel, query in PANELS.items()}
        foreign = await client.get("query", params={"query": "up"}, headers={"Host": "evil.example"})
        found = (await asked(client, "query", query=counted))["result"]
        everything = json.dumps(await asked(client, "series", **{"match[]": '{__name__=~"fastmcp_vault.*"}'}))
        rules = (await asked(client, "rules"))["groups"][0]["rules"]
    assert float(found[0]["value"][1]) >= 1
    for private in (caller.person.username, caller.person.email, caller.claims["sub"]):
        assert private not in everything
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert {panel: answer.text for panel, answer in answers.items() if not answer.is_success} == {}
    shown = {panel for panel, answer in answers.items() if answer.json()["data"]["result"]}
    assert shown >= {"Calls by outcome A", "Calls: p50 and p95 B", "Steps: p95 A", "Age of the shared state A"}
    assert foreign.status_code == httpx2.codes.MISDIRECTED_REQUEST


@debian
async def test_a_slow_call_leads_to_its_spans_to_who_made_it_and_to_what_vault_and_postgresql_wrote(
    stack: Stack, new_person: Callable[[], Person], everybody: dict[str, Person], tmp_path: Path
) -> None:
    """As ``./demo up --observe`` has it: Prometheus's page, then Zipkin's, then the app's, by their links alone."""
    if chromium() is None:
        pytest.skip("needs Chromium: install Debian's `chromium`")
    caller, ports = await signed_in(stack, new_person()), free_ports(("mcp-postgres-metrics",))
    instance = observed(stack, tmp_path, **ports)
    settings = stack.environment("mcp-postgres") | {
        "OTEL_TRACES_EXPORTER": "zipkin",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT": f"http://localhost:{instance.ports['zipkin']}/api/v2/spans",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(ports["mcp-postgres-metrics"]),
    }
    click, zipkin = secrets.token_hex(16), ZipkinPart(instance)
    async with (
        prometheus(instance),
        running(zipkin, tmp_path / "zipkin.log"),
        replica(stack, "postgres", settings=settings) as made,
    ):
        await until(lambda: asyncio.to_thread(zipkin.ready), within=120)
        slow = await caller.call("postgres", "execute", {"sql": SLOW}, correlation_id=click, at=made.url)
        assert not slow.is_error, text(slow)
        seen = await asyncio.to_thread(followed, instance, everybody["charlie"])
    name = caller.person.username
    assert "backend" in seen["spans"]
    for said in (name, SLOW, "approved", f"database/creds/{name}", "auth/jwt/login", f"mcp-postgres:{click}"):
        assert said in seen["row"], said


@pytest.mark.parametrize("name", ["app", "mcp-jira", "token-api", "chatbot"])
def test_an_observed_process_sends_its_spans_to_the_zipkin_of_its_stack(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    given = stack.environment(name)
    assert given["OTEL_TRACES_EXPORTER"] == "zipkin"
    assert given["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] == f"http://localhost:{stack.ports['zipkin']}/api/v2/spans"


SLOW = "SELECT pg_sleep(0.7)"

ZIPKIN_MENU = "path[d^='M3 18h18']"
"""The three bars on the button of a trace's menu, which has no name."""


def followed(instance: Instance, facilitator: Person) -> dict[str, str]:
    """What the facilitator reads on the way from the slowest call to its row, click by click."""
    at = {name: f"http://localhost:{instance.ports[name]}" for name in ("app", "prometheus", "zipkin")}
    seen = {}
    with started() as browser, arrivals(browser, at["app"]) as arrive:
        visitor = arrive()
        visitor.sign_in(facilitator, "/audit")
        page = visitor.page
        page.goto(f"{at['prometheus']}/consoles/{CONSOLE}")
        page.locator("#slow tr", has_text="execute").first.get_by_role("link", name="Spans").click()
        page.get_by_text("vault-login").first.wait_for()
        seen["spans"] = page.inner_text("body")
        page.locator(f"button:has({ZIPKIN_MENU})").click()
        with visitor.context.expect_page() as opened:
            page.get_by_role("menuitem", name="View Logs").click()
        visitor.page = opened.value
        visitor.page.set_default_timeout(PATIENCE)
        visitor.settled()
        seen["row"] = visitor.words()
        visitor.sign_out()
    return seen
