"""An agent that reads Korean gets the services' refusals in Korean; codes, and headers, stay as they are."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import ToolError

from fastmcp_vault.errors import StateUnavailable
from fastmcp_vault.sentences import Sentence
from services.agents.errors import OAuthError, QueueFull, Unavailable
from services.agents.http import refusal
from tests.services.agents import Site

KOREAN = re.compile("[가-힣]")


def in_both(http: httpx2.Client, method: str, url: str, **request: Any) -> tuple[int, str, str, str]:
    """Status, code, and the description in English and in Korean; headers must be the same."""
    headers = request.pop("headers", {})
    english, other, korean = (
        http.request(method, url, headers=headers | {"Accept-Language": accepted}, **request)
        for accepted in ("en", "fr, ko;q=0", "ko-KR, en;q=0.5")
    )
    key = "error_description" if "error_description" in english.json() else "message"
    told = [answer.json().pop(key) for answer in (english, other, korean)]
    assert told[0] == told[1]
    assert KOREAN.search(told[2]), told
    assert english.status_code == korean.status_code
    assert english.json()["error"] == korean.json()["error"]
    assert english.headers.get("WWW-Authenticate") == korean.headers.get("WWW-Authenticate")
    return english.status_code, english.json()["error"], told[0], told[2]


def test_the_business_service_says_why_in_the_caller_s_language(site: Site, name: str) -> None:
    agent = site.agent(name)
    base, token, few = site.services.plain, agent.token(), agent.token("agent:commands")
    sent = {"Authorization": f"Bearer {token}"}
    report = {"command_id": "no-uuid", "status": "completed", "result": None}
    given = agent.call("/api/commands", token, {"agent": name, "command": "collect"}).json()["command_id"]
    agent.call("/api/results", token, report | {"command_id": given})
    results, commands = f"{base}/api/results", f"{base}/api/commands"
    less = {"Authorization": f"Bearer {few}"}
    foreign = {"agent": "alice:worker", "command": "x"}
    told = [
        in_both(agent.http, "GET", f"{base}/api/whoami"),
        in_both(agent.http, "POST", results, headers=less, json=report),
        in_both(agent.http, "POST", commands, headers=sent, json=foreign),
        in_both(agent.http, "POST", results, headers=sent, json=report),
        in_both(agent.http, "POST", results, headers=sent, json=report | {"command_id": given}),
        in_both(agent.http, "POST", results, headers=sent, json={"status": "done", "more": 1}),
        in_both(agent.http, "POST", results, headers=sent, content=b"{"),
        in_both(agent.http, "POST", results, headers=sent, json=report | {"command_id": given, "result": "nul\0"}),
        in_both(agent.http, "POST", results, headers=sent, content=b"x" * 70_000),
        in_both(agent.http, "GET", f"{base}/nowhere"),
        in_both(agent.http, "DELETE", f"{base}/api/whoami"),
    ]
    assert [status for status, *_ in told] == [401, 403, 403, 404, 409, 400, 400, 400, 413, 404, 405]
    faults = told[5][3].split("; ")
    assert faults[0] == "`command_id`: 값이 없습니다"
    assert faults[1] == "`status`: 다음 중 하나여야 합니다: 'completed' or 'failed'"
    assert faults[2] == "`more`: 알 수 없는 항목입니다"


def test_the_agents_auth_server_too(site: Site, name: str) -> None:
    agent, other = site.agent(name), site.agent(f"{name}-b")
    ask, revoke = f"{site.services.auth}/oauth2/token", f"{site.services.auth}/oauth2/revoke"
    grant = {"grant_type": "client_credentials"}
    assert agent.identity is not None
    told = [
        in_both(agent.http, "POST", ask, data={"scope": "x"}),
        in_both(agent.http, "POST", ask, data={"grant_type": "password"}),
        in_both(agent.http, "POST", ask, json=grant),
        in_both(agent.http, "POST", ask, data=grant | {"scope": "agent:everything"}),
        in_both(agent.http, "POST", ask, data=grant | {"scope": "a  b"}),
        in_both(agent.http, "POST", ask, data=grant | {"client_id": "somebody"}),
        in_both(agent.http, "POST", ask, data=grant | {"client_secret": "x"}),
        in_both(agent.http, "POST", revoke, data={"x": "y"}),
        in_both(agent.http, "POST", revoke, data={"token": other.token()}),
    ]
    assert {status for status, *_ in told} == {400, 401}


async def test_as_tools_the_same(site: Site, name: str) -> None:
    agent = site.agent(name)
    headers = {"Authorization": f"Bearer {agent.token('agent:commands')}", "Accept-Language": "ko"}
    async with Client(StreamableHttpTransport(f"{site.services.plain}/mcp", headers=headers)) as client:
        with pytest.raises(ToolError, match="스코프 agent:dispatch이"):
            await client.call_tool("dispatch_command", {"agent": name, "command": "x", "parameters": {}})


@pytest.mark.parametrize(
    ("problem", "status", "korean"),
    [
        (QueueFull(Sentence("{most} commands are waiting for this agent already.", most=9)), 429, "이미 9개입니다"),
        (Unavailable("This process was started without Vault."), 503, "Vault 없이 시작되었습니다"),
        (StateUnavailable("`grant_type` is missing."), 503, "`grant_type`이 없습니다."),
    ],
)
def test_what_a_running_service_seldom_says(problem: OAuthError, status: int, korean: str) -> None:
    answer = refusal(problem, "ko")
    assert answer.status_code == status
    assert korean in bytes(answer.body).decode()
    assert problem.what in bytes(refusal(problem, "en").body).decode()
