"""What may be aimed at: our own configured servers and nothing else; and the wire that holds to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from app.settings import AppSettings, origin_of
from app.texts import t
from common.servers import MCP_SERVERS
from fastmcp_vault.errors import Problem
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.tracing import Exchange
from fastmcp_vault.tracing.wire import TracedTransport

SECONDS = 10.0
"""How long one request may take, and its connection: a verdict wants an answer, however busy the machine."""


class OutOfBounds(Problem):
    """A request that would have left the demo; it was not sent."""

    code, part = "out_of_bounds", "input"


@dataclass(frozen=True, slots=True)
class Targets:
    """Addresses as this process reaches them. ``issuer`` and ``public_keycloak`` are Keycloak's as browsers see it."""

    keycloak: str
    public_keycloak: str
    realm: str
    vault: str
    app: str
    mcp: Mapping[str, str]
    relay: str
    relay_callback: str
    """Where the relay hands the demo chatbot's tokens over, as it is registered there; nothing is sent to it."""
    provider: str = ""
    """Where the Jira accounts are that people may connect (the mock Atlassian); "" where none may be."""

    @classmethod
    def of(cls, settings: AppSettings) -> Targets:
        """The servers that the app is configured with."""
        return cls(
            keycloak=settings.keycloak_url.rstrip("/"),
            public_keycloak=settings.keycloak_public_url.rstrip("/"),
            realm=settings.keycloak_realm,
            vault=settings.vault_addr.rstrip("/"),
            app=settings.app_public_url.rstrip("/"),
            mcp={server: settings.mcp_url(server) for server in MCP_SERVERS},
            relay=settings.auth_relay_url.rstrip("/"),
            relay_callback=f"{settings.chatbot_url.rstrip('/')}/relay/callback",
            provider=_sign_in_of(settings),
        )

    @property
    def issuer(self) -> str:
        """The ``iss`` of the realm's tokens."""
        return f"{self.public_keycloak}/realms/{self.realm}"

    @property
    def openid(self) -> str:
        """Keycloak's OpenID Connect endpoints, without the last part."""
        return f"{self.keycloak}/realms/{self.realm}/protocol/openid-connect"

    @property
    def origins(self) -> frozenset[str]:
        """Everything that may be sent to (RFC 6454 §4)."""
        ours = (self.keycloak, self.vault, self.app, self.relay, *self.mcp.values())
        return frozenset(map(origin_of, (*ours, *filter(None, (self.provider,)))))


def _sign_in_of(settings: AppSettings) -> str:
    """Where Jira's accounts are connected, as this process reaches it; "" where that is no mock."""
    if not settings.jira_oauth_client_id or settings.jira_oauth_api_url.startswith("https:"):
        return ""
    return (settings.jira_oauth_inside_url or settings.jira_oauth_url).rstrip("/")


@dataclass(slots=True)
class LabTape:
    """What went over the wire, masked as it came."""

    exchanges: list[Exchange] = field(default_factory=list)
    secrets: frozenset[str] = frozenset()

    def add(self, exchange: Exchange) -> None:
        """Keep one exchange."""
        self.exchanges.append(exchange)


class Bounded(httpx2.AsyncBaseTransport):
    """Lets requests to these origins through. Raises OutOfBounds for any other, before anything is sent."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, origins: frozenset[str]) -> None:
        self._inner, self._origins = inner, origins

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, if its address is ours; what its headers say of the address does not count."""
        origin = origin_of(str(request.url))
        if origin not in self._origins:
            raise OutOfBounds(t("problem.out-of-bounds", origin=origin))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the transport underneath."""
        await self._inner.aclose()


@asynccontextmanager
async def shared(targets: Targets, *, connections: int) -> AsyncIterator[httpx2.AsyncBaseTransport]:
    """A bounded transport for many short recordings (:func:`on_tape`)."""
    async with Bounded(async_transport(connections=connections), targets.origins) as transport:
        yield transport


def on_tape(transport: httpx2.AsyncBaseTransport, tape: LabTape) -> httpx2.AsyncClient:
    """A client that records on ``tape`` what it sends by ``transport``, which outlives it: not to be closed."""
    return _patient(TracedTransport(transport, into=tape))


@asynccontextmanager
async def wire(targets: Targets) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client for these targets alone; it follows no redirect, keeps no cookie and records nothing."""
    async with _patient(Bounded(async_transport(connections=4), targets.origins)) as client:
        yield client


def _patient(transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncClient:
    client = async_client(transport=transport)
    client.timeout = httpx2.Timeout(SECONDS)
    return client
