"""Puts the two services together on one event loop: what they share is opened once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.types import ASGIApp

from common.settings import SERVER_AUDIENCE_PREFIX
from fastmcp_vault.oidc.validation import TokenValidator
from services.agent_auth import app as auth_app
from services.agents.house import AgentServices, opened
from services.agents.settings import AgentsSettings
from services.biz_service import app as biz_app
from services.biz_service import mcp_face
from services.biz_service.gate import Gate
from services.biz_service.store import Commands
from services.biz_service.work import Work
from services.serving import Endpoint, serve
from services.web import allowed_hosts

AGENT_AUTH, BIZ_SERVICE = "agent_auth", "biz_service"


async def run(settings: AgentsSettings, names: Collection[str], stopping: asyncio.Event | None = None) -> None:
    """Serve the named services until a signal, or ``stopping``. Raises Problem when they cannot start."""
    async with opened(settings) as house, AsyncExitStack() as stack:
        endpoints = []
        if AGENT_AUTH in names:
            port = settings.agent_auth_port
            endpoints.append(Endpoint("agent-auth", auth_app.build(house), settings.bind_host, port, house.tls))
        if BIZ_SERVICE in names:
            app = await stack.enter_async_context(biz_service(house))
            endpoints.append(Endpoint("biz-service", app, settings.bind_host, settings.biz_service_port))
            if house.tls is not None:
                port = settings.biz_service_tls_port
                endpoints.append(Endpoint("biz-service-tls", app, settings.bind_host, port, house.tls))
        await serve(endpoints, stopping)


@asynccontextmanager
async def biz_service(house: AgentServices) -> AsyncIterator[ASGIApp]:
    """The business service with its MCP face, its store open."""
    settings = house.settings
    async with AsyncExitStack() as stack:
        keycloak = None
        if settings.auth_mode != "agents":
            keycloak = TokenValidator(
                issuer=settings.issuer,
                jwks_url=settings.jwks_url,
                audience=settings.agent_audience,
                exclusive=SERVER_AUDIENCE_PREFIX,
            )
            stack.push_async_callback(keycloak.close)
        gate = Gate(house, keycloak=keycloak)
        work = Work(house, await stack.enter_async_context(Commands(settings.state_dsn)))
        mcp = mcp_face.build(work).http_app(
            path=mcp_face.PATH,
            stateless_http=True,
            json_response=True,
            host_origin_protection=True,
            allowed_hosts=[f"{host}:*" for host in allowed_hosts(settings.agents_allowed_hosts)],
        )
        await stack.enter_async_context(mcp.lifespan(mcp))
        yield mcp_face.Face(biz_app.build(house, gate, work), mcp, gate)
