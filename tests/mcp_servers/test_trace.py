"""The servers' part of the trace: what really happened, for the app alone, with nothing secret in it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fastmcp_vault.http import async_client
from fastmcp_vault.tracing import STEPS, Step
from stack.testing import Stack
from tests.mcp_servers.callers import TRACE, Caller, connected, steps
from tests.support.logs import found

KINDS = ["bearer-check", "token-exchange", "vault-login", "entity", "credential", "backend"]


@pytest.mark.parametrize(
    ("server", "tool", "arguments"),
    [
        ("jira", "get_issue", {"issue_key": "PROJ-1"}),
        ("github", "list_repos", {}),
        ("postgres", "query", {"sql": "SELECT count(*) FROM orders"}),
    ],
)
async def test_a_first_call_shows_every_step_with_what_went_over_the_wire(
    caller: Caller, server: str, tool: str, arguments: dict[str, Any]
) -> None:
    result = await caller.call(server, tool, arguments, traced=True, correlation_id="click-1")
    reported = (result.meta or {})[TRACE]["steps"]
    assert [s["kind"] for s in reported] == KINDS
    trace = {s["kind"]: Step.model_validate(s) for s in reported}
    assert {s.status for s in trace.values()} == {"done"}
    assert {s.server for s in trace.values()} == {server}
    assert all(s.sentence for s in trace.values())
    for kind in ("token-exchange", "vault-login", "entity", "credential"):
        (exchange,) = trace[kind].exchanges
        assert exchange.status == 200
        assert exchange.duration_ms is not None
        assert exchange.request_headers["X-Correlation-Id"] == "click-1"
    claims = trace["token-exchange"].detail["claims"]
    assert claims["azp"] == f"mcp-{server}"
    assert claims["aud"] == "vault"
    assert trace["entity"].detail["entity"] == caller.person.username
    assert set(KINDS) <= STEPS.keys()


@pytest.mark.parametrize("server", ["jira", "github", "postgres"])
async def test_no_secret_appears_in_a_trace_or_a_log(shared: Caller, stack: Stack, server: str) -> None:
    tool = {"jira": "list_projects", "github": "list_repos", "postgres": "list_tables"}[server]
    token = await shared.token(server)
    log, click = stack.layout.logs / f"mcp-{server}.log", f"no-secret-{server}"
    result = await shared.call(server, tool, traced=True, fresh=True, token=token, correlation_id=click)
    assert found(log, click, saying=f"{tool} for")
    said = json.dumps(result.meta) + log.read_text()
    secrets = [
        token,
        token.split(".")[2],
        shared.tokens.access_token.get_secret_value(),
        *(str(v) for e in shared.person.entitlements.values() for k, v in e.items() if "token" in k),
        *(v for v in stack.secrets.values() if len(v) >= 16),
    ]
    assert not [secret[:4] for secret in secrets if secret in said]
    assert not re.search(r"eyJ[\w-]{20,}\.[\w-]{20,}|\b(?:hvs|s|b)\.[A-Za-z0-9]{20,}", said)


async def test_a_refused_call_has_its_trace_too(shared: Caller) -> None:
    result = await shared.call("jira", "get_issue", {"issue_key": "PROJ-99999"}, traced=True)
    assert result.is_error
    failed = steps(result)["backend"]
    assert failed["status"] == "failed"
    assert failed["code"] == "backend_refused"
    assert failed["exchanges"][0]["status"] == 404


async def test_bad_arguments_are_refused_before_any_step(shared: Caller) -> None:
    trace = steps(await shared.call("jira", "get_issue", {"issue_key": "nonsense"}, traced=True))
    assert trace["bearer-check"]["status"] == "done"
    assert {trace[kind]["status"] for kind in KINDS[1:]} == {"skipped"}


async def test_nobody_gets_a_trace_without_asking(shared: Caller) -> None:
    assert TRACE not in ((await shared.call("jira", "credential_status")).meta or {})


async def test_another_client_gets_no_trace_though_it_asks(shared: Caller, stack: Stack) -> None:
    """Nor may it switch reuse off; its calls are answered all the same."""
    async with async_client() as client:
        answer = await client.post(
            f"{stack.url('keycloak')}/realms/mcp-demo/protocol/openid-connect/token",
            data={
                "grant_type": "password",
                "client_id": "lab-jira",
                "client_secret": stack.secrets["LAB_CLIENT_SECRET"],
                "username": shared.person.username,
                "password": shared.person.password,
            },
        )
    token = answer.json()["access_token"]
    for _ in range(2):
        result = await shared.call("jira", "credential_status", traced=True, fresh=True, token=token)
        assert not result.is_error
        assert TRACE not in (result.meta or {})


async def test_tools_describe_themselves(shared: Caller, stack: Stack) -> None:
    writing = {"create_issue", "add_comment", "transition_issue", "execute"}
    for server in ("jira", "github", "postgres"):
        async with connected(stack, server, await shared.token(server)) as client:
            tools = await client.list_tools()
        assert "credential_status" in {tool.name for tool in tools}
        for tool in tools:
            assert tool.description, tool.name
            assert tool.output_schema, tool.name
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is (tool.name not in writing), tool.name
            for name, schema in tool.input_schema.get("properties", {}).items():
                assert schema.get("description"), f"{tool.name}.{name}"
                assert name not in ("jira", "github", "database")
