"""The business service: what a token opens, what it does not, and why not, in words that programs can rely on."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
import schemathesis
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import ToolError
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from init import agent as agent_command
from tests.services.agents import Agent, Site, forged, refused, running
from tests.support.described import described

EXCEPT = [positive_data_acceptance]
OPEN = ("/api/token-info", "/api/whoami")


def test_each_scope_opens_its_endpoints_and_no_others(site: Site, name: str) -> None:
    agent = site.agent(name)
    calls: dict[str, tuple[tuple[str, Any], ...]] = {
        "agent:commands": (("/api/commands", None), ("/api/config", None)),
        "agent:results": (("/api/results", {"command_id": "x", "status": "completed"}),),
        "agent:dispatch": (("/api/commands", {"agent": name, "command": "collect"}),),
    }
    for scope in calls:
        token = agent.token(scope)
        for path in OPEN:
            assert agent.call(path, token).status_code == 200
        for needed, endpoints in calls.items():
            for path, body in endpoints:
                answer = agent.call(path, token, body)
                if needed == scope:
                    assert answer.status_code in (200, 201, 404), answer.text
                else:
                    assert refused(answer) == (403, "insufficient_scope", f"This needs the scope {needed}.")
                    assert f'scope="{needed}"' in answer.headers["WWW-Authenticate"]


def test_without_a_token_nothing_but_health_is_told(site: Site, name: str) -> None:
    agent = site.agent(name)
    for path in (*OPEN, "/api/commands", "/api/config"):
        answer = agent.call(path, None)
        assert refused(answer)[:2] == (401, "missing_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert refused(agent.call("/api/results", None, {"nonsense": 1}))[:2] == (401, "missing_token")
    basic = httpx2.get(f"{site.services.plain}/api/whoami", headers={"Authorization": "Basic YTpi"}, trust_env=False)
    assert refused(basic)[:2] == (401, "missing_token")
    assert agent.call("/health", None).json()["status"] == "ok"
    assert agent.call("/nowhere", None).json()["error"] == "Not Found"
    evil = agent.http.get(f"{site.services.plain}/api/whoami", headers={"Host": "evil.example"})
    assert evil.status_code == 400


def test_a_command_is_given_fetched_and_reported_on_once(site: Site, name: str) -> None:
    agent, other = site.agent(name), site.agent(f"{name}-b")
    token, others = agent.token(), other.token()
    given = agent.call("/api/commands", token, {"agent": name, "command": "collect", "parameters": {"deep": [1, "ü"]}})
    command = given.json()["command_id"]
    assert given.status_code == 201
    fetched = agent.call("/api/commands", token).json()
    assert [(c["command_id"], c["command"], c["parameters"]) for c in fetched["commands"]] == [
        (command, "collect", {"deep": [1, "ü"]})
    ]
    assert other.call("/api/commands", others).json()["commands"] == []
    report = {"command_id": command, "status": "completed", "result": {"files": 3}}
    assert refused(other.call("/api/results", others, report))[:2] == (404, "unknown_command")
    assert agent.call("/api/results", token, report).json()["status"] == "completed"
    assert refused(agent.call("/api/results", token, report))[:2] == (409, "already_finished")
    assert refused(agent.call("/api/results", token, report | {"status": "failed"}))[:2] == (409, "already_finished")
    unknown = {"command_id": "8d0ff7a8-6c5e-4a9a-a6f3-6d3a3c0a1b11", "status": "completed", "result": None}
    for command_id in (unknown["command_id"], "no-uuid"):
        answer = agent.call("/api/results", token, unknown | {"command_id": command_id})
        assert refused(answer)[:2] == (404, "unknown_command")
    assert agent.call("/api/commands", token).json()["count"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"status": "completed"},
        {"command_id": "x", "status": "done"},
        {"command_id": "x", "status": "completed", "more": 1},
        [],
        {"command_id": "8d0ff7a8-6c5e-4a9a-a6f3-6d3a3c0a1b11", "status": "completed", "result": "nul\u0000"},
    ],
)
def test_a_report_that_cannot_be_used_is_refused_with_the_field(site: Site, name: str, body: Any) -> None:
    agent = site.agent(name)
    assert refused(agent.call("/api/results", agent.token(), body))[:2] == (400, "invalid_request")


def test_commands_go_to_agents_of_the_same_owner_only(site: Site, name: str) -> None:
    agent = site.agent(name)
    answer = agent.call("/api/commands", agent.token(), {"agent": "alice:worker", "command": "collect"})
    assert refused(answer)[:2] == (403, "insufficient_scope")


def test_where_tls_proves_the_key_a_token_is_good_for_its_holder_only(site: Site, name: str) -> None:
    agent, thief = site.agent(name), site.agent(f"{name}-b")
    token = agent.token()
    assert agent.call("/api/whoami", token, tls=True).json()["connection"] == "mutual-tls"
    assert refused(thief.call("/api/whoami", token, tls=True)) == (401, "invalid_token", "certificate_mismatch")
    assert agent.identity is not None
    bare = Agent(site.services, None, authority=agent.identity.authority)
    assert refused(bare.call("/api/whoami", token, tls=True)) == (401, "invalid_token", "certificate_required")
    assert agent.call("/api/whoami", token).json()["connection"] == "plain"


@pytest.mark.parametrize("header", ["X-Forwarded-Proto", "X-Forwarded-Ssl", "Forwarded"])
def test_whether_tls_is_spoken_is_no_header_s_to_say(site: Site, name: str, header: str) -> None:
    """On the port of mutual TLS the binding holds, whatever a caller calls the connection; on the other it is plain."""
    agent = site.agent(name)
    token = agent.token()
    assert agent.identity is not None
    bare = Agent(site.services, None, authority=agent.identity.authority)
    for value in ("http", "ws", "off", "proto=http"):
        bare.http.headers[header] = value
        assert refused(bare.call("/api/whoami", token, tls=True)) == (401, "invalid_token", "certificate_required")
    for value in ("https", "wss", "on", "proto=https"):
        agent.http.headers[header] = value
        assert agent.call("/api/whoami", token).json()["connection"] == "plain"


async def test_outside_the_demo_a_bound_token_is_good_with_its_key_only(site: Site, name: str) -> None:
    settings = site.settings(profile="production", keycloak_public_url="https://id.example.com", agent_token_seconds=60)
    async with running(settings) as services:
        agent = await asyncio.to_thread(lambda: site.agent(name).at(services))
        token = await asyncio.to_thread(agent.token)
        plain = await asyncio.to_thread(agent.call, "/api/whoami", token)
        assert refused(plain) == (401, "invalid_token", "mutual_tls_required")
        proved = await asyncio.to_thread(lambda: agent.call("/api/whoami", token, tls=True))
        assert proved.json()["connection"] == "mutual-tls"


async def test_commands_and_revocations_survive_a_restart(site: Site, name: str) -> None:
    agent = await asyncio.to_thread(site.agent, name)
    settings = site.settings()
    async with running(settings) as services:
        here = agent.at(services)
        token, revoked = await asyncio.to_thread(here.token), await asyncio.to_thread(here.token)
        given = await asyncio.to_thread(here.call, "/api/commands", token, {"agent": name, "command": "collect"})
        assert (await asyncio.to_thread(here.revoke, revoked)).status_code == 200
    async with running(settings) as services:
        here = agent.at(services)
        waiting = await asyncio.to_thread(here.call, "/api/commands", token)
        assert [c["command_id"] for c in waiting.json()["commands"]] == [given.json()["command_id"]]
        assert refused(await asyncio.to_thread(here.call, "/api/whoami", revoked))[2] == "token_revoked"


def test_a_new_key_signs_and_the_last_one_still_verifies(site: Site, name: str) -> None:
    agent = site.agent(name)
    before = agent.token()
    kid = site.key()[0]
    agent_command.rotate_key(site.vault)
    assert site.key()[0] != kid
    assert agent.call("/api/whoami", before).status_code == 200
    assert agent.call("/api/whoami", forged(site)).status_code == 200, "a key id that is new is looked up at once"
    unknown = forged(site, header={"kid": "of-nobody"})
    assert refused(agent.call("/api/whoami", unknown)) == (401, "invalid_token", "unknown_key")


async def test_the_same_scopes_rule_the_mcp_tools(site: Site, name: str) -> None:
    agent = await asyncio.to_thread(site.agent, name)
    token = await asyncio.to_thread(agent.token, "agent:commands")
    url = f"{site.services.plain}/mcp"
    async with Client(StreamableHttpTransport(url, auth=token)) as client:
        tools = {tool.name for tool in await client.list_tools()}
        assert tools == {"list_commands", "get_config", "whoami", "submit_result", "dispatch_command"}
        assert (await client.call_tool("whoami", {})).data["agent"] == name
        assert (await client.call_tool("list_commands", {})).data["count"] == 0
        with pytest.raises(ToolError, match="scope agent:results"):
            await client.call_tool("submit_result", {"command_id": "x", "status": "completed", "result": {}})
    await asyncio.to_thread(agent.revoke, token)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    for sent in (token, None):
        answer = await asyncio.to_thread(agent.call, "/mcp", sent, body)
        assert answer.status_code == 401


def test_a_thousand_requests_get_no_wrong_answer(site: Site, name: str) -> None:
    agent, other = site.agent(name), site.agent(f"{name}-b")
    good, revoked = agent.token(), agent.token()
    agent.revoke(revoked)
    head, _, tail = good.rpartition(".")
    tampered = f"{head}.{tail[:-4]}AAAA"
    expected = {
        good: (200, name),
        other.token("agent:results"): (200, f"{name}-b"),
        revoked: (401, "token_revoked"),
        tampered: (401, "invalid_signature"),
        forged(site, exp=1): (401, "token_expired"),
    }

    def one(token: str) -> tuple[int, str]:
        answer = agent.call("/api/whoami", token)
        body = answer.json()
        return answer.status_code, body.get("agent") or body["error_description"]

    tokens = list(expected) * 200
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, tokens))
    assert [a for a, token in zip(answers, tokens, strict=True) if a != expected[token]] == []


def test_the_openapi_document_is_kept_to(site: Site, name: str) -> None:
    token = site.agent(name).token()
    schema = described(site.services.plain)
    assert set(json.loads(httpx2.get(f"{site.services.plain}/openapi.json", trust_env=False).content)["paths"]) >= {
        "/health", "/api/commands", "/api/results", "/api/config", "/api/token-info", "/api/whoami"
    }  # fmt: skip

    for operation in schema.get_all_operations():

        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy())
        def one(case: schemathesis.Case) -> None:
            # U+0000 is the one character that JSON allows and PostgreSQL's jsonb does not.
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, excluded_checks=EXCEPT, timeout=30)

        one()
