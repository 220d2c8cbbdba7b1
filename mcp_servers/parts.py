"""What each of the demo's MCP servers is made of: clients of Keycloak, Vault and the shared state, credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from common.settings import SERVER_AUDIENCE_PREFIX
from fastmcp_vault.circuit import watched
from fastmcp_vault.credentials.logins import Logins, VaultLogin
from fastmcp_vault.credentials.manager import Credentials
from fastmcp_vault.credentials.sources import C, Source
from fastmcp_vault.oidc import Keycloak, TokenValidator
from fastmcp_vault.oidc.standing import Standing
from fastmcp_vault.server.context import KEY, ServerContext
from fastmcp_vault.state import State
from fastmcp_vault.state.trail import QueuedTrail
from fastmcp_vault.vault import Vault
from mcp_servers.settings import ServerSettings

APP_CLIENT = "mcp-demo-app"
"""The one client that is shown the servers' part of a trace."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The clients of Keycloak, Vault and the shared state; made once, before the server is assembled."""

    keycloak: Keycloak
    vault: Vault
    state: State
    validator: TokenValidator
    standing: Standing
    trail: QueuedTrail

    async def close(self) -> None:
        """Close them all."""
        await self.standing.close()
        await self.validator.close()
        await self.keycloak.close()
        await self.vault.close()


def make_parts(settings: ServerSettings) -> Parts:
    """The clients that ``settings`` describe; nothing is connected yet."""
    keycloak = Keycloak(
        base_url=settings.keycloak_url,
        public_url=settings.keycloak_public_url,
        realm=settings.keycloak_realm,
        client_id=settings.client_id,
        client_secret=settings.mcp_client_secret,
        timeout=settings.outage_timeout,
    )
    state = State(settings.state_dsn, application_name=settings.client_id)
    return Parts(
        keycloak=keycloak,
        standing=Standing(keycloak.is_active),
        vault=Vault(settings.vault_addr, namespace=settings.vault_namespace, timeout=settings.outage_timeout),
        state=state,
        trail=QueuedTrail(settings.server, state.audit_rows.append),
        validator=TokenValidator(
            issuer=settings.issuer,
            jwks_url=settings.jwks_url,
            audience=settings.client_id,
            exclusive=SERVER_AUDIENCE_PREFIX,
        ),
    )


@asynccontextmanager
async def opened(
    parts: Parts, settings: ServerSettings, source: Source[C], backend: Any
) -> AsyncIterator[dict[str, Any]]:
    """The server's context as FastMCP's lifespan context; at the end everything held is revoked, in bounded time."""
    logins = Logins(
        server=settings.server,
        login=VaultLogin(role=settings.client_id, scope="vault:login"),
        exchange=parts.keycloak,
        vault=parts.vault,
        state=parts.state,
    )
    credentials = Credentials(
        server=settings.server,
        logins=logins,
        source=source,
        state=parts.state,
        capacity=settings.mcp_capacity,
    )
    parts.standing.on_ended(credentials.session_ended)
    try:
        circuits = {"keycloak": parts.keycloak.circuit, "vault": parts.vault.circuit, "backend": backend.circuit}
        async with parts.state, parts.trail, credentials:
            state, profile = parts.state, settings.server_profile
            with watched(settings.server, circuits):
                yield {
                    KEY: ServerContext(profile, credentials, logins, backend, state.approvals, state.account_requests)
                }
    finally:
        await parts.close()
