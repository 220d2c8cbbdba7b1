"""Atlassian's OAuth 2.0 (3LO): consent, rotating refresh tokens, and the API behind its gateway ``/ex/jira/{cloudid}``.

Source: Atlassian, "OAuth 2.0 (3LO) apps" for Jira Cloud. Its consent and its API stand at hosts of their own; here all
of it is on one port.
"""

from __future__ import annotations

import uuid

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_services.jira.site import account_id
from mock_services.oauth.pages import add_pages
from mock_services.oauth.server import OAuthRefused, OAuthServer
from mock_services.oauth.wire import fields, program
from mock_services.people import MockPerson, UsersFile
from mock_services.settings import MockSettings

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 90 * 86_400

CLOUD_ID = str(uuid.uuid5(uuid.UUID("6f0f2f6e-41e4-5d0c-9d0c-6a3a0f1f7c11"), "example.atlassian.net"))
"""The one site's id: the same at every start."""

_GATEWAY = "/ex/jira/"
MANAGE = "/manage-profile/apps"


def atlassian_oauth(settings: MockSettings) -> OAuthServer:
    """Atlassian's authorization server, with the demo's app registered where it has one."""
    return OAuthServer(
        settings.programs("jira"),
        access_seconds=settings.mock_oauth_access_seconds or ACCESS_SECONDS,
        refresh_seconds=REFRESH_SECONDS,
        prefixes=("atla_", "atlr_"),
        reuse_ends=True,
        old_access_ends=False,
        kept=settings.kept("jira"),
    )


class CloudGateway:
    """Leads ``/ex/jira/{cloudid}/rest/…`` to the site's own ``/rest/…``, where bearer tokens are taken only thus."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http" and scope["path"].startswith(_GATEWAY):
            cloud, _, rest = scope["path"].removeprefix(_GATEWAY).partition("/")
            state = {**scope.get("state", {}), "cloud": cloud}
            scope = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode(), "state": state}
        await self._app(scope, receive, send)


def add_oauth(app: FastAPI, oauth: OAuthServer) -> None:
    """Everything at its real path."""
    app.state.oauth = oauth
    app.add_middleware(CloudGateway)
    add_pages(app, oauth, title="Atlassian", authorize="/authorize", manage=MANAGE, separator=" ")
    app.add_api_route("/oauth/token", _token, methods=["POST"])
    app.add_api_route("/oauth/revoke", _revoke, methods=["POST"])
    app.add_api_route("/oauth/token/accessible-resources", _resources, methods=["GET"])
    app.add_api_route("/me", _me, methods=["GET"])


async def bearer(request: Request) -> tuple[MockPerson, tuple[str, ...]] | None:
    """Whose access token the request bears, and its scopes."""
    oauth: OAuthServer = request.app.state.oauth
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = oauth.person(token.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        return None
    users: UsersFile = request.app.state.users
    person = (await users.directory()).by_username.get(found[0])
    return (person, found[1]) if person is not None else None


async def _token(request: Request) -> Response:
    """POST /oauth/token."""
    oauth: OAuthServer = request.app.state.oauth
    told = await fields(request)
    try:
        app = program(oauth, request, told)
        if told.get("grant_type") == "refresh_token":
            pair = oauth.refresh(app, told.get("refresh_token", ""))
        elif told.get("grant_type") == "authorization_code":
            address, verifier = told.get("redirect_uri", ""), told.get("code_verifier", "")
            pair = oauth.redeem(app, code=told.get("code", ""), redirect_uri=address, verifier=verifier)
        else:
            raise OAuthRefused("unsupported_grant_type", "Grant type must be authorization_code or refresh_token.")
    except OAuthRefused as refused:
        status = {"invalid_client": 401, "invalid_grant": 403}.get(refused.error, 400)
        return JSONResponse({"error": refused.error, "error_description": refused.description}, status_code=status)
    shape = {
        "access_token": pair.access_token,
        "expires_in": pair.expires_in,
        "token_type": "Bearer",
        "scope": " ".join(pair.scopes),
    }
    # Only who asked for it may go on without the person.
    offline = {"refresh_token": pair.refresh_token} if "offline_access" in pair.scopes else {}
    return JSONResponse(shape | offline, headers={"Cache-Control": "no-store"})


async def _revoke(request: Request) -> Response:
    """POST /oauth/revoke (RFC 7009 §2.2: 200 for a token that is not known, too)."""
    oauth: OAuthServer = request.app.state.oauth
    told = await fields(request)
    try:
        oauth.revoke(program(oauth, request, told), told.get("token", ""))
    except OAuthRefused as refused:
        return JSONResponse({"error": refused.error, "error_description": refused.description}, status_code=401)
    return Response(status_code=200)


async def _resources(request: Request) -> Response:
    """GET /oauth/token/accessible-resources: the one site."""
    found = await bearer(request)
    if found is None:
        return _unauthorized()
    base = str(request.base_url).rstrip("/")
    scopes = [scope for scope in found[1] if scope.endswith("jira-work")]
    return JSONResponse([{"id": CLOUD_ID, "name": "example", "url": base, "scopes": scopes, "avatarUrl": ""}])


async def _me(request: Request) -> Response:
    """GET /me."""
    found = await bearer(request)
    if found is None or "read:me" not in found[1]:
        return _unauthorized()
    person = found[0]
    told = {"account_id": account_id(person.username), "email": person.email, "name": person.name}
    return JSONResponse(told | {"account_type": "atlassian", "account_status": "active"})


def _unauthorized() -> Response:
    return JSONResponse({"code": 401, "message": "Unauthorized"}, status_code=401)
