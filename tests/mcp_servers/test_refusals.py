"""The door with a realm of the test's own: tokens that Keycloak would not make, and a shared state that is down."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastmcp import FastMCP
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from fastmcp_vault.errors import ServerSuspended, SessionEnded, StateUnavailable
from fastmcp_vault.oidc import TokenValidator
from fastmcp_vault.server.auth import AccessTokenVerifier, ResourceServerAuth
from fastmcp_vault.state.protocol import TokenBearer
from mcp_servers.settings import JiraSettings
from tests.mcp_servers.serving import served

KEY = RSAKey.generate_key(2048, {"kid": "test", "use": "sig"})
SETTINGS = JiraSettings(keycloak_public_url="http://localhost:8079", mcp_public_url="http://localhost:3001")


class Sessions:
    """The shared state's answer, as the test sets it."""

    problem: Exception | None = None

    async def admit(self, bearer: TokenBearer, *, server: str) -> None:
        assert bearer.sid
        assert server == "mcp-jira"
        if self.problem:
            raise self.problem


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
async def server(sessions: Sessions) -> AsyncIterator[httpx2.AsyncClient]:
    """The door in front of an empty server."""
    keys = {"keys": [KEY.as_dict(private=False)]}
    jwks = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json=keys)))
    validator = TokenValidator(
        issuer=SETTINGS.issuer, jwks_url="http://localhost:8079", audience="mcp-jira", exclusive="mcp-", client=jwks
    )
    profile = SETTINGS.server_profile
    door = ResourceServerAuth(profile, AccessTokenVerifier(profile, validator, sessions))
    app = FastMCP("Test", auth=door).http_app(path="/mcp", stateless_http=True, json_response=True)
    async with served(app) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        yield client
    await validator.close()


def token(*, key: Any = KEY, alg: str = "RS256", without: str = "", **claims: Any) -> str:
    now = int(time.time())
    payload = {
        "iss": SETTINGS.issuer,
        "sub": "somebody",
        "aud": "mcp-jira",
        "azp": "mcp-demo-app",
        "typ": "Bearer",
        "sid": "session",
        "scope": "mcp:jira",
        "iat": now,
        "exp": now + 60,
        **claims,
    }
    payload.pop(without, None)
    return jwt.encode({"alg": alg, "kid": "test"}, payload, key, algorithms=[alg])


async def send(server: httpx2.AsyncClient, bearer: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    return await server.post("/mcp", headers=headers, json=body)


async def test_a_good_token_gets_in(server: httpx2.AsyncClient) -> None:
    assert (await send(server, token())).status_code == 200


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": int(time.time()) - 60}, "The token has expired."),
        ({"without": "exp"}, "The token has no `exp`."),
        ({"without": "sub"}, "The token names nobody."),
        ({"nbf": int(time.time()) + 600}, "The token is not valid yet."),
        ({"iss": "http://localhost:8079/realms/other"}, "The token comes from another issuer."),
        ({"typ": "ID"}, "This is not an access token."),
        ({"typ": "Refresh"}, "This is not an access token."),
        ({"aud": "account"}, "The token is not meant for mcp-jira alone."),
        ({"aud": ["mcp-jira", "mcp-github"]}, "The token is not meant for mcp-jira alone."),
        ({"without": "aud"}, "The token is not meant for mcp-jira alone."),
        ({"without": "sid"}, "The token belongs to no session."),
        ({"key": RSAKey.generate_key(2048, {"kid": "test"})}, ""),
        ({"key": OctKey.import_key(b"x" * 32), "alg": "HS256"}, ""),
    ],
)
async def test_a_token_that_lacks_anything_is_refused_with_the_reason(
    server: httpx2.AsyncClient, claims: dict[str, Any], reason: str
) -> None:
    refused = await send(server, token(**claims))
    assert refused.status_code == 401
    header = refused.headers["www-authenticate"]
    assert header.startswith(f'Bearer error="invalid_token", error_description="{reason}')
    assert 'scope="mcp:jira mcp:jira:write"' in header
    assert 'resource_metadata="http://localhost:3001/.well-known/oauth-protected-resource/mcp"' in header


async def test_a_token_without_the_servers_scope_is_told_which_one(server: httpx2.AsyncClient) -> None:
    refused = await send(server, token(scope="profile"))
    assert refused.status_code == 403
    header = refused.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in header
    assert 'scope="mcp:jira mcp:jira:write"' in header
    assert "resource_metadata=" in header


async def test_an_ended_session_is_an_invalid_token(server: httpx2.AsyncClient, sessions: Sessions) -> None:
    sessions.problem = SessionEnded("This session has ended.", fix="Sign in again.")
    refused = await send(server, token())
    assert refused.status_code == 401
    assert 'error="invalid_token", error_description="This session has ended."' in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    "problem",
    [
        StateUnavailable("The shared state did not answer.", fix="Try again."),
        ServerSuspended("The MCP server mcp-jira is suspended.", fix="An administrator lifts the suspension."),
    ],
)
async def test_what_cannot_be_known_or_is_stopped_is_not_the_tokens_fault(
    server: httpx2.AsyncClient, sessions: Sessions, problem: Any
) -> None:
    sessions.problem = problem
    refused = await send(server, token())
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.json()["what"] == problem.what
    assert "www-authenticate" not in refused.headers
