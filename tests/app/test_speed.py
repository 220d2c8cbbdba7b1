"""A page that has nothing to fetch is drawn at once (promised: 200 ms of script time; held here to ten times that)."""

from __future__ import annotations

import statistics
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from app.actions import ActionDone, ServerView
from app.lab.catalog import BY_ID
from app.lab.isolation import THINGS, Cell
from app.lab.sheet import kept
from app.session import Visit
from fastmcp_vault.tracing import STEPS, Exchange, Step, Trace
from stack.layout import ROOT
from tests.app.conftest import ALICE, FRAME
from tests.app.test_flow import T0
from tests.app.test_lab import result
from tests.app.test_pages import GET_ISSUE, credential, load

PROMISE = 0.2


def test_a_page_s_run_does_not_end_with_a_look_through_every_object_while_everybody_else_waits() -> None:
    chosen = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())
    assert isinstance(config.get_option("runner.postScriptGC"), bool), "Streamlit knows the setting"
    assert chosen["runner"]["postScriptGC"] is False


def long_trace() -> Trace:
    """Three servers, every step with exchanges of the greatest size that is kept."""
    body = '{"text": "' + "x" * 8_000 + '"}'
    exchange = Exchange(method="POST", url="http://vault/v1/x", started_at=T0, duration_ms=9, status=200)
    full = exchange.model_copy(update={"request_body": body, "response_body": body})
    steps = [
        Step(kind=kind, server=server, started_at=T0, duration_ms=10, exchanges=[full, full])
        for server in ("jira", "github", "postgres")
        for kind in STEPS
    ]
    return Trace(id="t", action="Load tools", started_at=T0, steps=steps)


def test_a_rerun_with_a_long_trace_takes_a_fraction_of_a_second(
    tools: AppTest, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    views = {server: ServerView(server, [GET_ISSUE], credential(True)) for server in ("jira", "github", "postgres")}
    monkeypatch.setattr("app.view.tools_view.load_tools", lambda *a, **k: ActionDone(long_trace(), views))
    load(tools, *views)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        tools.run()
        took.append(time.perf_counter() - began)
    assert not tools.exception
    record_property("script_ms", round(statistics.median(took) * 1000))
    assert statistics.median(took) < 10 * PROMISE


@pytest.mark.parametrize("page", ["attack_lab", "isolation"])
def test_a_rerun_with_every_attack_and_a_hundred_peoples_cells_takes_a_fraction_of_a_second(
    app: AppTest,
    looked_up: Callable[[Visit], None],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
    page: str,
) -> None:
    names = ["alice", *(f"person{n}" for n in range(100))]
    people = SimpleNamespace(attacker=SimpleNamespace(username="alice"), victim=SimpleNamespace(username="bob"))
    monkeypatch.setattr("app.view.lab_view.place", lambda process, asking: people)
    monkeypatch.setattr("app.view.isolation_view.rows.names", lambda process, me: names)
    looked_up(Visit(person=ALICE, cookie="opaque"))
    app.run()
    exchange = Exchange(method="GET", url="http://vault/v1/x", started_at=T0, response_body="x" * 2_000)
    cells = [Cell("alice", n, thing, "refused", 403, "no", "", "c0ffee", exchange) for n in names for thing in THINGS]
    app.session_state["bound.sid"] = ALICE.sid
    app.session_state["kept.lab"] = {
        a.id: replace(result(a.id, a.expected), exchanges=(exchange,)) for a in BY_ID.values()
    }
    app.session_state["kept.iso.row"] = kept(cells)
    app.switch_page(str(FRAME.parent / f"{page}.py")).run()
    took = []
    for _ in range(5):
        began = time.perf_counter()
        app.run()
        took.append(time.perf_counter() - began)
    assert not app.exception
    assert len(app.success) == 1
    record_property("script_ms", round(statistics.median(took) * 1000))
    assert statistics.median(took) < 10 * PROMISE
