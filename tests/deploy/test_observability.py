"""Dashboards, rules and Prometheus itself: they ask for metrics that there are, and get them from a running stack."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
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
from stack.ports import free_ports
from stack.prometheus import PrometheusPart
from stack.services import PORTS, SERVICES
from stack.testing import Stack
from tests.deploy import compose
from tests.mcp_servers.callers import signed_in, until
from tests.support.people import Person

FILES = ROOT / "deploy" / "observability"
RULES = yaml.safe_load((FILES / "rules.yml").read_text())["groups"][0]["rules"]
METRIC = re.compile(r"\bfastmcp_vault_\w+")
PROMETHEUS = shutil.which("prometheus")

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


@pytest.mark.parametrize("path", [FILES / "rules.yml", *sorted(FILES.glob("dashboards/*.json"))], ids=lambda p: p.name)
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
    named = {
        host
        for file in sorted(FILES.glob("compose/*.yml"))
        for host in re.findall(r"http://([a-z]+):", file.read_text())
    }
    assert named == {"jaeger", "prometheus"}
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
async def prometheus(stack: Stack, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Debian's Prometheus beside this stack, as ``./demo up --observe`` runs it, and quicker."""
    port = free_ports(["prometheus"])["prometheus"]
    layout = replace(stack.instance.layout, state=folder)
    part = PrometheusPart(replace(stack.instance, layout=layout, ports={**stack.ports, "prometheus": port}))
    part.prepare(lambda _: None)
    config = layout.data / "prometheus" / "prometheus.yml"
    config.write_text(config.read_text().replace("interval: 5s", "interval: 1s"))
    launch = part.launch()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*launch.argv, cwd=launch.cwd, stdout=log, stderr=log)
    try:
        async with async_client() as client:
            client.base_url = httpx2.URL(f"http://127.0.0.1:{port}/api/v1/")
            yield client
    finally:
        process.terminate()
        await process.wait()


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
    counted = 'fastmcp_vault_call_duration_seconds_count{server="jira",tool="list_projects",outcome="done"}'
    async with prometheus(stack, tmp_path) as client:

        async def scraped() -> bool:
            there, up = await asked(client, "query", query=counted), await asked(client, "query", query="up == 1")
            return bool(there and up and there["result"] and len(up["result"]) == 4)

        await until(scraped, within=60)
        found = (await asked(client, "query", query=counted))["result"]
        everything = json.dumps(await asked(client, "series", **{"match[]": '{__name__=~"fastmcp_vault.*"}'}))
        rules = (await asked(client, "rules"))["groups"][0]["rules"]
    assert float(found[0]["value"][1]) >= 1
    for private in (caller.person.username, caller.person.email, caller.claims["sub"]):
        assert private not in everything
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
