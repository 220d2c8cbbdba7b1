"""Calling the MCP servers as somebody: sign-in by code flow, the app's token exchange, FastMCP's client, plain HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import psycopg
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp_types import CallToolResult
from pydantic import SecretStr

from fastmcp_vault.http import async_client
from fastmcp_vault.oidc import Keycloak, TokenSet, unverified_claims
from stack.testing import Stack
from tests.support.login import sign_in
from tests.support.people import Person

PROTOCOL = "2026-07-28"
TRACE = "mcp-remote-vault/trace"
FRESH = "mcp-remote-vault/fresh"
ERROR = "mcp-remote-vault/error"


@asynccontextmanager
async def app_client(stack: Stack) -> AsyncIterator[Keycloak]:
    """Keycloak as the app uses it."""
    keycloak = Keycloak(
        base_url=stack.url("keycloak"),
        public_url=stack.url("keycloak"),
        realm="mcp-demo",
        client_id="mcp-demo-app",
        client_secret=SecretStr(stack.secrets["APP_CLIENT_SECRET"]),
    )
    try:
        yield keycloak
    finally:
        await keycloak.close()


@dataclass
class Caller:
    """Somebody who has signed in; belongs to no event loop."""

    stack: Stack
    person: Person
    tokens: TokenSet
    exchanged: dict[tuple[str, str], str] = field(default_factory=dict)

    async def token(self, server: str, scope: str | None = None) -> str:
        """A token for one server, as the app gets it; the same one until :meth:`refresh`."""
        wanted = f"mcp:{server} mcp:{server}:write" if scope is None else scope
        if (server, wanted) not in self.exchanged:
            async with app_client(self.stack) as keycloak:
                got = await keycloak.exchange(self.tokens.access_token, audience=f"mcp-{server}", scope=wanted)
            self.exchanged[server, wanted] = got.access_token.get_secret_value()
        return self.exchanged[server, wanted]

    async def refresh(self) -> None:
        """New tokens for the same session."""
        assert self.tokens.refresh_token is not None
        async with app_client(self.stack) as keycloak:
            self.tokens = await keycloak.refresh(self.tokens.refresh_token)
        self.exchanged.clear()

    async def call(
        self,
        server: str,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        traced: bool = False,
        fresh: bool = False,
        token: str | None = None,
        correlation_id: str = "",
        at: str = "",
    ) -> CallToolResult:
        """One tool call, at the stack's server or at a replica of it."""
        bearer = token or await self.token(server)
        async with connected(self.stack, server, bearer, correlation_id, at=at, answer=says_yes) as client:
            meta = {**({TRACE: True} if traced else {}), **({FRESH: True} if fresh else {})}
            return await client.call_tool_mcp(tool, dict(arguments or {}), meta=meta)

    async def data(self, server: str, tool: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A call's structured content; the call must succeed."""
        result = await self.call(server, tool, arguments)
        assert not result.is_error, text(result)
        assert result.structured_content is not None
        return result.structured_content

    async def refusal(self, server: str, tool: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The problem that a call ends in; the call must fail."""
        result = await self.call(server, tool, arguments)
        assert result.is_error, result.structured_content
        problem = (result.meta or {})[ERROR]
        assert text(result) == f"{problem['what']} {problem['fix']}".strip()
        return dict(problem)

    @property
    def claims(self) -> dict[str, Any]:
        """Who this is to Keycloak: ``sub``, ``sid`` …"""
        return unverified_claims(self.tokens.access_token)

    async def sign_out(self) -> None:
        """Sign out as the app does: at Keycloak, and in the shared state."""
        assert self.tokens.refresh_token is not None
        async with app_client(self.stack) as keycloak:
            await keycloak.end_session(self.tokens.refresh_token)
        with psycopg.connect(self.stack.environment("init")["STATE_DSN"]) as connection:
            connection.execute(
                "INSERT INTO ended_sessions (sid, sub, expires_at) VALUES (%s, %s, now() + interval '1 hour')"
                " ON CONFLICT DO NOTHING",
                (self.claims["sid"], self.claims["sub"]),
            )


@asynccontextmanager
async def connected(
    stack: Stack,
    server: str,
    token: str | None,
    correlation_id: str = "",
    mode: str = PROTOCOL,
    at: str = "",
    answer: Any = None,
) -> AsyncIterator[Client[Any]]:
    """FastMCP's client at one server, or at a replica of it; ``answer`` says what its person answers when asked."""
    headers = {"X-Correlation-Id": correlation_id} if correlation_id else None
    address = at or stack.url(f"mcp-{server}")
    transport = StreamableHttpTransport(f"{address}/mcp", auth=token, headers=headers)
    async with Client(transport, mode=mode, timeout=20, elicitation_handler=answer) as client:
        yield client


async def says_yes(message: str, response_type: object, params: object, context: object) -> dict[str, bool]:
    """A person who approves whatever they are asked."""
    return {"approve": True}


async def signed_in(stack: Stack, person: Person) -> Caller:
    """``person``, signed in through Keycloak's own page."""
    back = f"{stack.url('app')}/auth/callback"
    async with app_client(stack) as keycloak:
        return Caller(stack, person, await sign_in(keycloak, person.username, person.password, redirect_uri=back))


async def post(stack: Stack, server: str, token: str | None = None, **more: Any) -> httpx2.Response:
    """A `tools/list` by plain HTTP, as a client of 2025-06-18 sends it; ``at``: a replica's address."""
    address = more.pop("at", "") or stack.url(f"mcp-{server}")
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-06-18",
        **({"Authorization": f"Bearer {token}"} if token is not None else {}),
        **more.pop("headers", {}),
    }
    body = more.pop("body", {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
    async with async_client() as client:
        return await client.post(f"{address}/mcp", headers=headers, json=body, **more)


async def until(condition: Callable[[], Awaitable[bool]], *, within: float = 20.0) -> None:
    """Return once ``condition``, which asks a server, holds; TimeoutError after ``within`` seconds."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - what is waited for is another process's doing
            await asyncio.sleep(0.2)


def text(result: CallToolResult) -> str:
    """What people read."""
    return "\n".join(part.text for part in result.content if part.type == "text")


def steps(result: CallToolResult) -> dict[str, dict[str, Any]]:
    """The trace's steps by kind."""
    return {step["kind"]: step for step in (result.meta or {})[TRACE]["steps"]}


class Vault:
    """Vault as an administrator looks at it."""

    def __init__(self, stack: Stack) -> None:
        self._client = httpx2.Client(
            base_url=f"{stack.url('openbao')}/v1",
            headers={"X-Vault-Token": stack.secrets["VAULT_TOKEN"]},
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def tokens(self, caller: Caller, server: str) -> list[str]:
        """Accessors of the live tokens that a server holds for somebody's session."""
        return self.tokens_of(caller.claims["sid"], server)

    def tokens_of(self, sid: str, server: str) -> list[str]:
        """The same, for a session by its id."""
        found = []
        for accessor in self.request("LIST", "auth/token/accessors")["data"]["keys"]:
            looked = self._client.post("/auth/token/lookup-accessor", json={"accessor": accessor})
            meta = (looked.json().get("data", {}).get("meta") or {}) if looked.is_success else {}
            if meta.get("sid") == sid and meta.get("server") == f"mcp-{server}":
                found.append(accessor)
        return found

    def status(self, method: str, path: str) -> int:
        """How Vault answers a call that need not succeed."""
        return self._client.request(method, f"/{path}").status_code

    def found(self, method: str, path: str) -> Any:
        """The ``data`` of what is there; None for nothing."""
        answer = self._client.request(method, f"/{path}")
        assert answer.is_success or answer.status_code == 404, answer.text
        return answer.json()["data"] if answer.is_success else None

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One call that must succeed."""
        answer = self._client.request(method, f"/{path}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}


def as_superuser(stack: Stack, database: str = "postgres") -> psycopg.Connection[Any]:
    """The cluster as its superuser."""
    return psycopg.connect(
        host="localhost",
        port=stack.ports["postgres"],
        user="postgres",
        password=stack.secrets["POSTGRES_ADMIN_PASSWORD"],
        dbname=database,
        autocommit=True,
    )


def database_roles(stack: Stack, username: str) -> list[str]:
    """The live PostgreSQL roles that Vault made for somebody."""
    with as_superuser(stack) as connection:
        rows = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE %s", (f"%-{username}-%",)
        )
        return [row[0] for row in rows.fetchall()]
