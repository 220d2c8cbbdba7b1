"""Assembles one MCP server: its tools, its door, its credentials, its health."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastmcp import FastMCP
from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.front_page import front_page
from fastmcp_vault.circuit import Circuit
from fastmcp_vault.credentials.calls import Call
from fastmcp_vault.credentials.connected import StoredOrConnected
from fastmcp_vault.server.approval import state_security
from fastmcp_vault.server.audit import AuditMiddleware
from fastmcp_vault.server.auth import MCP_PATH, AccessTokenVerifier, ResourceServerAuth, StepUp
from fastmcp_vault.server.context import ServerContext, current_server
from fastmcp_vault.server.earlier import AskByError, LinksInSession
from fastmcp_vault.server.fixed_tools import FixedTools
from fastmcp_vault.server.limits import CallCounter, LimitDoor, LimitMiddleware
from fastmcp_vault.server.nulls import NullsAbsent
from fastmcp_vault.server.offers import offer, status_uri
from fastmcp_vault.server.status import credential_status
from fastmcp_vault.server.tool import persons_tool
from fastmcp_vault.server.trace_offers import OfferTraceMiddleware
from fastmcp_vault.state.allowances import Allowances
from fastmcp_vault.tracing.served import ServedSpans
from fastmcp_vault.vault.health import standing
from mcp_servers.accounts import with_accounts
from mcp_servers.browsers import PageForBrowsers
from mcp_servers.kind import server_named
from mcp_servers.parts import APP_CLIENT, Parts, make_parts, opened
from mcp_servers.settings import ServerSettings

BODY_LIMIT = 1_048_576
"""Bytes of a request; a larger one is answered 413 before anything of it is read."""

GRACE_SECONDS = 3
"""How long calls under way may go on when the process is asked to stop."""


def _fetch_ahead(call: Call) -> None:
    current_server().credentials.fetch_ahead(call)


def build(settings: ServerSettings) -> Starlette:
    """The server as an ASGI application; it connects when its lifespan begins, and revokes all it holds at the end."""
    parts = make_parts(settings)
    kind = server_named(settings.server).kind(settings, parts.vault)
    source = with_accounts(settings, parts, kind.source)
    profile = settings.server_profile
    verifier = AccessTokenVerifier(
        profile, parts.validator, parts.state, standing=parts.standing, trace_clients=(APP_CLIENT,)
    )
    auth = ResourceServerAuth(profile, verifier)
    contexts: list[ServerContext] = []
    counter = CallCounter(settings.server, settings.call_limits, Allowances(parts.state.quotas), parts.state)

    @asynccontextmanager
    async def lifespan(_: FastMCP) -> AsyncIterator[dict[str, Any]]:
        async with opened(parts, settings, source, kind.backend) as context, counter.allowances:
            contexts[:] = context.values()
            yield context
        contexts.clear()
        await kind.backend.close()
        if isinstance(source, StoredOrConnected):
            await source.close()

    silent = frozenset({credential_status.__name__, status_uri(settings.server)})
    tools = [
        persons_tool(tool, write_scope=settings.write_scope, approval=settings.mcp_approval)
        for tool in (*kind.tools, credential_status)
    ]
    mcp = FixedTools(
        f"{settings.title} (mcp-remote-vault)",
        tools,
        instructions=f"{settings.title}, as the person who is signed in: every call uses that person's own credential.",
        auth=auth,
        lifespan=lifespan,
        middleware=[
            AskByError(),
            LimitMiddleware(counter, ahead=settings.mcp_ahead),
            OfferTraceMiddleware(settings.server, silent=silent, ahead=_fetch_ahead if settings.mcp_ahead else None),
            AuditMiddleware(settings.client_id, parts.trail),
        ],
        mask_error_details=True,
        request_state_security=state_security(profile),
    )
    offer(mcp, settings.server, kind.offers)

    @mcp.custom_route("/health", methods=["GET"])
    async def health(_: Request) -> Response:
        return await _health(settings, parts, contexts, kind.backend.circuit)

    @mcp.custom_route("/", methods=["GET"])
    async def front(_: Request) -> Response:
        return _front(settings)

    return mcp.http_app(
        path=MCP_PATH,
        stateless_http=True,
        json_response=True,
        host_origin_protection=True,
        allowed_hosts=settings.allowed_hosts,
        allowed_origins=settings.allowed_origins,
        middleware=[
            Middleware(ServedSpans, continued=True),
            Middleware(LimitDoor, counter=counter),
            Middleware(
                StepUp,
                challenge=auth.challenge,
                profile=profile,
                writing=frozenset(tool.name for tool in tools if tool.writes),
            ),
            Middleware(PageForBrowsers, path=MCP_PATH, page=_front(settings)),
            Middleware(RequestBodyLimitMiddleware, max_body_size=BODY_LIMIT),
            Middleware(NullsAbsent),
            Middleware(LinksInSession),
        ],
    )


def _front(settings: ServerSettings) -> Response:
    """What a person sees who opens this server in a browser."""
    return front_page(
        f"{settings.title} MCP server",
        f"An MCP client connects to {settings.public_url}{MCP_PATH} and has you sign in at Keycloak. Its tools then "
        f"work with your own {settings.title} credential. There is nothing here for a browser; the app's page Connect "
        "prints what a client needs.",
        links=[("Is it well?", "/health")],
    )


async def _health(settings: ServerSettings, parts: Parts, contexts: list[ServerContext], backend: Circuit) -> Response:
    """Whether requests are served, which parts are down, and how much is held; nobody's name, no secret.

    503 while requests are refused; with a part down, or Vault sealed (``degraded``), what is held goes on being used.
    """
    fresh, seal = await asyncio.gather(parts.state.serves(), standing(parts.vault))
    context = contexts[0] if contexts else None
    circuits = {"keycloak": parts.keycloak.circuit, "vault": parts.vault.circuit, "backend": backend}
    well = seal != "sealed" and all(circuit.state == "closed" for circuit in circuits.values())
    body = {
        "status": "refusing" if not (fresh and context) else "ok" if well else "degraded",
        "server": settings.client_id,
        "state": "fresh" if fresh else "stale",
        "parts": {name: circuit.as_dict() for name, circuit in circuits.items()},
        "vault": seal,
        "suspended": parts.state.suspended(settings.client_id),
        "credentials_held": len(context.credentials) if context else 0,
        "revocations_owed": context.logins.owed if context else 0,
        "audit": {"waiting": parts.trail.waiting, "lost": parts.trail.lost},
    }
    return JSONResponse(body, 200 if fresh and context else 503)


COLLECT_AFTER = (10_000, 50, 50)
"""After how many new objects Python looks for cycles (``gc.set_threshold``). With its own 700 that took 2 to 4 % of a
warm call, which leaves next to none."""


def run(settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT; then let calls finish, and revoke what is held."""
    gc.freeze()  # What is imported stays, and need not be looked through.
    gc.set_threshold(*COLLECT_AFTER)
    for name in ("fastmcp", "mcp"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("mcp").setLevel(logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    config = uvicorn.Config(
        build(settings),
        host=settings.bind_host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run()
