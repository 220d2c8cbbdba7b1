"""No port of the demo is one that browsers refuse to open, however it is chosen."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from common.ports import BLOCKED_BY_BROWSERS
from fastmcp_vault.errors import InputError, NotReady
from stack import commands, instance, ports, status
from stack.layout import Layout
from stack.services import PORTS, SERVICES
from tests.deploy.test_compose import SETTINGS
from tests.support import peers
from tests.test_house import ROOT

NODE_S_LIST = """
const dispatcher = { dispatch() { throw new Error("allowed, and not sent") } };
const refused = [];
for (let port = 1; port < 65536; port++) {
  const answer = await fetch(`http://localhost:${port}/`, { dispatcher }).catch((error) => error.cause.message);
  if (answer === "bad port") refused.push(port);
}
console.log(JSON.stringify(refused));
"""

NOT_BROWSED = {"postgres_port", "vault_postgres_port", "redis_port"}
OTHER_COMPANIES = {"mock_jira_port", "mock_github_port"}
"""Settings of the mock APIs, which import nothing of ours."""


def test_the_list_is_the_one_that_node_goes_by() -> None:
    """Node's fetch decides by the Fetch standard's list before it sends anything; nothing is sent here."""
    try:
        node = peers.installed(Layout.from_environment()).node
    except NotReady as missing:
        pytest.skip(str(missing))
    command = [node, "--input-type=module", "--eval", NODE_S_LIST]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    assert set(json.loads(said)) == BLOCKED_BY_BROWSERS


@pytest.mark.parametrize("name", PORTS)
def test_an_offset_that_puts_a_service_on_any_port_of_the_list_is_refused_with_the_nearest_that_works(
    name: str,
) -> None:
    title = next(service.title for service in SERVICES if name in (*service.ports, service.metrics))
    named = 0
    for port in sorted(BLOCKED_BY_BROWSERS):
        offset = port - PORTS[name]
        with pytest.raises(InputError) as refused:
            instance.ports_at(offset)
        if min(PORTS.values()) + offset < ports.LOWEST:
            continue  # refused for leaving the range of ports
        named += 1
        assert title in refused.value.what
        assert f"port {port}" in refused.value.what
        (nearest,) = map(int, re.findall(r"--port-offset (-?\d+)", refused.value.fix))
        assert usable(nearest)
        closer = range(1, abs(nearest - offset))
        assert not [o for distance in closer for o in (offset - distance, offset + distance) if usable(o)]
    assert named


def usable(offset: int) -> bool:
    moved = {port + offset for port in PORTS.values()}
    return min(moved) >= ports.LOWEST and max(moved) <= ports.HIGHEST and not moved & BLOCKED_BY_BROWSERS


def test_an_offset_that_works_is_taken() -> None:
    for offset in range(ports.LOWEST - min(PORTS.values()), 8000):
        if usable(offset):
            assert instance.ports_at(offset) == {name: port + offset for name, port in PORTS.items()}


def test_free_ports_are_never_on_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_UNPROMISED", [*sorted(BLOCKED_BY_BROWSERS), *range(20_000, 22_000)])
    monkeypatch.setattr(ports, "is_free", lambda _port: True)
    for _ in range(20):
        assert not set(ports.free_ports(map(str, range(1500))).values()) & BLOCKED_BY_BROWSERS


def test_a_measurement_s_offset_is_never_on_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _port: True)
    assert ports.free_offset([80]) == 10_100, "10,080 is on the list"


def test_ports_of_the_last_start_that_browsers_refuse_are_not_kept(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state", tmp_path)
    layout.make()
    last = dict(PORTS) | {"keycloak": 10_080, "biz-service": 6000, "app": 20_123}
    stopped = status.StackStatus("stopped", pid=1, started=0.0, began=0.0, ports=last, users_file="", services=[])
    status.write(layout, stopped)
    chosen = commands._free_ports(layout)
    assert not set(chosen.values()) & BLOCKED_BY_BROWSERS
    assert chosen["app"] == 20_123


def test_every_offset_that_a_text_of_ours_proposes_works() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    proposed = {
        int(offset)
        for name in listed.split("\0")
        if name and not name.startswith("tests/") and (ROOT / name).is_file()
        for offset in re.findall(rb"--port-offset[ =](\d+)", (ROOT / name).read_bytes())
    }
    assert proposed
    assert not [offset for offset in proposed if not usable(offset)]


def browsed() -> Iterator[tuple[type[BaseSettings], str, object]]:
    for kinds in SETTINGS.values():
        for kind in kinds:
            for name in kind.model_fields:
                if name.endswith("_port") and name not in NOT_BROWSED | OTHER_COMPANIES:
                    yield kind, name, 6000
                if name.endswith(("public_url", "base_url")):
                    yield kind, name, "https://demo.example:10080"


@pytest.mark.parametrize(("kind", "name", "value"), [pytest.param(*c, id=f"{c[0].__name__}-{c[1]}") for c in browsed()])
def test_a_setting_that_browsers_could_not_reach_is_refused_by_name(
    kind: type[BaseSettings], name: str, value: object
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind(**{name: value})
    messages = {str(error["loc"][0]).lower(): error["msg"] for error in refused.value.errors() if error["loc"]}
    assert "browsers refuse to open port" in messages[name]
