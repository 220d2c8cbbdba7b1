"""The auth server's endpoints: token, revocation (RFC 7009), metadata (RFC 8414), health."""

from __future__ import annotations

import logging
import time
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from fastmcp_vault.errors import VaultUnavailable
from services.agent_auth.forms import OPENAPI_REVOKE, OPENAPI_TOKEN, form_of, scopes_of
from services.agents import certificates, tokens
from services.agents.certificates import SCOPES, AgentCertificate
from services.agents.errors import (
    InvalidClient,
    InvalidRequest,
    InvalidToken,
    UnauthorizedClient,
    Unavailable,
    UnsupportedGrantType,
)
from services.agents.house import AgentServices
from services.agents.http import NO_STORE, answer_problems
from services.agents.suspended import require_admitted
from services.peer import certificate_of
from services.web import add_front_page, allowed_hosts, protect

log = logging.getLogger(__name__)


async def _agent(request: Request) -> AgentCertificate:
    return await authenticated(request.app.state.house, request)


Agent = Annotated[AgentCertificate, Depends(_agent)]


def build(house: AgentServices) -> FastAPI:
    """The application; who connects is known by the certificate of the connection."""
    app = FastAPI(title="Agents' auth server", version="1.0.0", docs_url=None, redoc_url=None)
    answer_problems(app)
    app.state.house = house
    issuer = house.settings.agent_auth_public_url.rstrip("/")

    @app.post("/oauth2/token", openapi_extra=OPENAPI_TOKEN, responses=_REFUSALS)
    async def token(request: Request, client: Agent) -> Response:
        """An access token for the agent of this connection's certificate (RFC 6749 §4.4.2)."""
        form = await form_of(request, client)
        if "grant_type" not in form:
            raise InvalidRequest("`grant_type` is missing.")
        if form["grant_type"] != "client_credentials":
            raise UnsupportedGrantType("The only grant here is `client_credentials`.")
        return await _issue(house, client, scopes_of(form.get("scope"), client), issuer)

    @app.post("/oauth2/revoke", openapi_extra=OPENAPI_REVOKE, responses=_REFUSALS)
    async def revoke(request: Request, client: Agent) -> Response:
        """End a token of this agent (RFC 7009 §2). One that is not good any more, or never was, is fine: 200."""
        form = await form_of(request, client)
        if not form.get("token"):
            raise InvalidRequest("`token` is missing.")
        await _revoke(house, client, form["token"])
        return Response(headers=NO_STORE)

    @app.get("/.well-known/oauth-authorization-server")
    async def metadata() -> dict[str, Any]:
        """What clients need to know (RFC 8414 §2, RFC 8705 §3.3)."""
        return {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth2/token",
            "revocation_endpoint": f"{issuer}/oauth2/revoke",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": sorted(SCOPES),
            "token_endpoint_auth_methods_supported": ["tls_client_auth"],
            "revocation_endpoint_auth_methods_supported": ["tls_client_auth"],
            "tls_client_certificate_bound_access_tokens": True,
        }

    add_front_page(
        app,
        "Agents' auth server",
        "A program shows its certificate here (mutual TLS) and gets a token that is bound to it. A browser has no "
        "such certificate; the app's page Agents plays it through.",
        links=[
            ("What clients need to know", "/.well-known/oauth-authorization-server"),
            ("Is it well?", "/health"),
        ],
    )

    @app.get("/health", responses={503: {"description": "No token would be issued"}})
    async def health() -> Response:
        """Whether tokens are issued."""
        state = await house.state.serves()
        redis = house.active is None or await house.active.answers()
        body = {"status": "ok" if state and redis else "refusing", "state": "fresh" if state else "stale"}
        return JSONResponse(body | ({} if house.active is None else {"redis": redis}), 200 if state and redis else 503)

    return protect(app, hosts=allowed_hosts(house.settings.agents_allowed_hosts))


_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request cannot be used (RFC 6749 §5.2)"},
    401: {"description": "No certificate, or not a good one: `invalid_client`"},
    403: {"description": "An administrator has suspended the agent, or its owner: `access_denied`"},
    413: {"description": "The body is too long"},
    503: {"description": "A part that must be asked does not answer"},
}


async def authenticated(house: AgentServices, request: Request) -> AgentCertificate:
    """The agent of this connection, its certificate found good now. Raises InvalidClient, AgentSuspended,
    Unavailable."""
    found = certificates.read(certificate_of(request), now=time.time())
    if house.revocations is None:
        raise Unavailable("This process was started without mutual TLS.")
    try:
        revoked = await house.revocations.revoked(found.certificate)
    except VaultUnavailable as error:
        raise Unavailable("Whether the certificate is revoked cannot be found out.", fix=error.fix) from error
    if revoked:
        raise InvalidClient("The client certificate is revoked.", fix="Get a new one: `./demo agent new`.")
    require_admitted(house.state, found.name, issuer=house.settings.issuer)
    return found


async def _issue(house: AgentServices, client: AgentCertificate, scopes: frozenset[str], issuer: str) -> Response:
    settings, now = house.settings, time.time()
    pair = await house.keys.pair()
    token, claims = tokens.mint(
        pair.current,
        client,
        scopes=scopes,
        issuer=issuer,
        audience=settings.agent_audience,
        lifetime=settings.agent_token_seconds,
        now=now,
    )
    if not house.state.fresh():
        raise Unavailable("The shared state does not answer: a token could not be revoked.")
    if house.active is not None:
        await house.active.activate(claims.jti, seconds=claims.exp - now)
    log.info("Issued token %s to %s for %s", claims.jti, client.name, " ".join(sorted(scopes)))
    body = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(claims.exp - claims.iat),
        "scope": " ".join(sorted(scopes)),
    }
    return JSONResponse(body, headers=NO_STORE)


async def _revoke(house: AgentServices, client: AgentCertificate, token: str) -> None:
    try:
        claims = await house.verifier.verify(token)
    except InvalidToken:
        return
    if claims.sub != client.name:
        raise UnauthorizedClient("This token was issued to another agent.")
    # Redis first: it is what is asked with every request where it is used.
    if house.active is not None:
        await house.active.revoke(claims.jti, seconds=claims.exp - time.time())
    await house.state.revoke_token(claims.jti, sub=claims.sub, expires_at=claims.exp)
    log.info("Revoked token %s of %s", claims.jti, client.name)
