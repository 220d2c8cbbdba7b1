"""Who gets in: tokens that are refused, and what the refusal says (RFC 6750, RFC 9728, MCP 2026-07-28)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from fastmcp_vault.http import async_client
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, post

SERVERS = ["jira", "github", "postgres"]


def challenge(response: Any) -> str:
    return str(response.headers["www-authenticate"])


@pytest.mark.parametrize("server", SERVERS)
async def test_without_a_token_the_answer_says_where_to_get_one(stack: Stack, server: str) -> None:
    answer = await post(stack, server)
    assert answer.status_code == 401
    metadata = f"{stack.url(f'mcp-{server}')}/.well-known/oauth-protected-resource/mcp"
    assert challenge(answer) == f'Bearer scope="mcp:{server} mcp:{server}:write", resource_metadata="{metadata}"'


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"])
@pytest.mark.parametrize("server", SERVERS)
async def test_metadata_names_the_realm_and_the_scopes(stack: Stack, server: str, path: str) -> None:
    async with async_client() as client:
        metadata = (await client.get(f"{stack.url(f'mcp-{server}')}{path}")).json()
    assert metadata["resource"] == f"{stack.url(f'mcp-{server}')}/mcp"
    assert metadata["authorization_servers"] == [f"{stack.url('keycloak')}/realms/mcp-demo"]
    assert metadata["scopes_supported"] == [f"mcp:{server}", f"mcp:{server}:write"]


async def test_a_good_token_opens_its_own_server_and_no_other(stack: Stack, shared: Caller) -> None:
    token = await shared.token("jira")
    assert (await post(stack, "jira", token)).status_code == 200
    for other in ("github", "postgres"):
        refused = await post(stack, other, token)
        assert refused.status_code == 401
        assert f"not meant for mcp-{other} alone" in challenge(refused)


async def test_a_token_for_two_servers_opens_neither(stack: Stack, shared: Caller) -> None:
    async with async_client() as client:
        answer = await client.post(
            f"{stack.url('keycloak')}/realms/mcp-demo/protocol/openid-connect/token",
            data={
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "client_id": "mcp-demo-app",
                "client_secret": stack.secrets["APP_CLIENT_SECRET"],
                "subject_token": shared.tokens.access_token.get_secret_value(),
                "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "scope": "mcp:jira mcp:github",
            },
        )
    token = answer.json()["access_token"]
    assert {"mcp-jira", "mcp-github"} <= set(claims(token)["aud"])
    for server in ("jira", "github"):
        refused = await post(stack, server, token)
        assert refused.status_code == 401
        assert "alone" in challenge(refused)


async def test_neither_login_token_nor_id_token_nor_vault_token_opens_a_server(stack: Stack, shared: Caller) -> None:
    assert shared.tokens.id_token is not None
    assert shared.tokens.refresh_token is not None
    for token in (shared.tokens.access_token, shared.tokens.id_token, shared.tokens.refresh_token):
        refused = await post(stack, "jira", token.get_secret_value())
        assert refused.status_code == 401
        assert 'error="invalid_token"' in challenge(refused)


async def test_a_changed_token_is_refused(stack: Stack, shared: Caller) -> None:
    token = await shared.token("jira")
    header, payload, signature = token.split(".")
    other = encode({**claims(token), "preferred_username": "alice"})
    unsigned = encode({"alg": "none", "typ": "JWT"})
    forged = [
        f"{header}.{other}.{signature}",
        f"{unsigned}.{payload}.",
        f"{unsigned}.{other}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        "not-a-token",
        "a.b.c",
        "x" * 10_000,
    ]
    for one in forged:
        refused = await post(stack, "jira", one)
        assert refused.status_code == 401, one
        assert 'error="invalid_token"' in challenge(refused), one
        assert "resource_metadata=" in challenge(refused), one


async def test_basic_authentication_is_nobodys(stack: Stack) -> None:
    answer = await post(stack, "jira", headers={"Authorization": "Basic YWxpY2U6YWxpY2UxMjM="})
    assert answer.status_code == 401
    assert "error=" not in challenge(answer)


async def test_a_token_in_the_query_is_nobodys(stack: Stack, shared: Caller) -> None:
    answer = await post(stack, "jira", params={"access_token": await shared.token("jira")})
    assert answer.status_code == 401


async def test_a_writing_tool_without_the_write_scope_is_refused_with_the_scope_to_ask_for(
    stack: Stack, shared: Caller
) -> None:
    token = await shared.token("jira", scope="mcp:jira")
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "add_comment"}
    refused = await post(stack, "jira", token, headers=headers)
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in challenge(refused)
    assert 'scope="mcp:jira mcp:jira:write"' in challenge(refused)
    assert "resource_metadata=" in challenge(refused)


async def test_an_older_client_without_the_write_scope_hears_it_from_the_tool(stack: Stack, shared: Caller) -> None:
    token = await shared.token("jira", scope="mcp:jira")
    arguments = {"issue_key": "PROJ-1", "body": "x"}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "add_comment", "arguments": arguments},
    }
    result = (await post(stack, "jira", token, body=body)).json()["result"]
    assert result["isError"]
    assert "mcp:jira:write" in result["content"][0]["text"]
    assert result["_meta"]["mcp-remote-vault/error"]["code"] == "insufficient_scope"
    reading = {**body, "params": {"name": "get_issue", "arguments": {"issue_key": "PROJ-1"}}}
    assert not (await post(stack, "jira", token, body=reading)).json()["result"]["isError"]


async def test_every_tool_is_listed_to_those_who_may_only_read(stack: Stack, shared: Caller) -> None:
    listed = (await post(stack, "jira", await shared.token("jira", scope="mcp:jira"))).json()["result"]["tools"]
    assert "create_issue" in {tool["name"] for tool in listed}


@pytest.mark.parametrize("path", ["/mcp", "/health", "/.well-known/oauth-protected-resource"])
async def test_a_foreign_host_or_origin_gets_nothing(stack: Stack, path: str) -> None:
    address = f"{stack.url('mcp-jira')}{path}"
    async with async_client() as client:
        assert (await client.get(address, headers={"Host": "evil.example"})).status_code == 421
        assert (await client.get(address, headers={"Origin": "http://evil.example"})).status_code == 403
        assert (await client.get(address, headers={"Origin": "null"})).status_code == 403


async def test_a_body_beyond_a_megabyte_is_refused(stack: Stack, shared: Caller) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": "x" * 1_100_000}}
    assert (await post(stack, "jira", await shared.token("jira"), body=body)).status_code == 413


async def test_broken_messages_are_protocol_errors(stack: Stack, shared: Caller) -> None:
    token = await shared.token("jira")
    for body in ([], {}, {"jsonrpc": "2.0", "id": 1, "method": "no/such"}, "text", {"jsonrpc": "1.0"}):
        answer = await post(stack, "jira", token, body=body)
        assert answer.status_code < 500 or "error" in answer.json()
        assert "Traceback" not in answer.text


async def test_health_says_how_much_is_held_and_of_nobody(stack: Stack, shared: Caller) -> None:
    await shared.data("jira", "credential_status")
    async with async_client() as client:
        answer = await client.get(f"{stack.url('mcp-jira')}/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["credentials_held"] >= 1
    assert shared.person.username not in answer.text


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
