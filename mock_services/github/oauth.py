"""GitHub's OAuth for the user tokens of a GitHub App: where a person lets it in, tokens that rotate, and their end.

Source: GitHub, "Generating a user access token for a GitHub App", "Refreshing user access tokens", "Delete an app
authorization".
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from mock_services.oauth.pages import add_pages
from mock_services.oauth.server import OAuthApp, OAuthRefused, OAuthServer, TokenPair
from mock_services.oauth.wire import fields, program
from mock_services.settings import MockSettings

ACCESS_SECONDS = 8 * 3600
REFRESH_SECONDS = 15_897_600
"""Six months."""

_WORDS = {
    "invalid_client": ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."),
    "invalid_grant": ("bad_verification_code", "The code passed is incorrect or expired."),
}
"""RFC 6749's code → GitHub's, with its words."""
_BAD_REFRESH = ("bad_refresh_token", "The refresh token passed is incorrect or expired.")


def github_oauth(settings: MockSettings) -> OAuthServer:
    """GitHub's authorization server, with the demo's app registered where it has one."""
    return OAuthServer(
        settings.programs("github"),
        access_seconds=settings.mock_oauth_access_seconds or ACCESS_SECONDS,
        refresh_seconds=REFRESH_SECONDS,
        prefixes=("ghu_", "ghr_"),
        reuse_ends=False,
        old_access_ends=True,
        kept=settings.kept("github"),
    )


def add_oauth(app: FastAPI, oauth: OAuthServer) -> None:
    """Everything at its real path."""
    app.state.oauth = oauth
    add_pages(
        app,
        oauth,
        title="GitHub",
        authorize="/login/oauth/authorize",
        manage="/settings/apps/authorizations",
        separator=" ",
        has_account=lambda person: bool(person.login),
    )
    app.add_api_route("/login/oauth/access_token", _token, methods=["POST"])
    app.add_api_route("/applications/{client_id}/grant", _end, methods=["DELETE"])


async def _token(request: Request) -> Response:
    """POST /login/oauth/access_token: errors are answered with 200, as GitHub does."""
    oauth: OAuthServer = request.app.state.oauth
    told = await fields(request)
    refreshing = told.get("grant_type") == "refresh_token"
    try:
        found = program(oauth, request, told)
        return _answer(request, _shape(_issued(oauth, found, told, refreshing=refreshing)))
    except OAuthRefused as refused:
        error, words = _WORDS[refused.error]
        if refreshing and refused.error == "invalid_grant":
            error, words = _BAD_REFRESH
        return _answer(request, {"error": error, "error_description": words})


def _issued(oauth: OAuthServer, app: OAuthApp, told: dict[str, str], *, refreshing: bool) -> TokenPair:
    if refreshing:
        return oauth.refresh(app, told.get("refresh_token", ""))
    # GitHub takes the address from the registration where it is left out.
    address = told.get("redirect_uri") or app.redirect_uris[0]
    verifier = told.get("code_verifier", "")
    return oauth.redeem(app, code=told.get("code", ""), redirect_uri=address, verifier=verifier)


def _shape(pair: TokenPair) -> dict[str, str | int]:
    return {
        "access_token": pair.access_token,
        "expires_in": pair.expires_in,
        "refresh_token": pair.refresh_token,
        "refresh_token_expires_in": pair.refresh_expires_in,
        "token_type": "bearer",
        "scope": "",
    }


def _answer(request: Request, told: dict[str, str] | dict[str, str | int]) -> Response:
    headers = {"Cache-Control": "no-store"}
    if "json" in request.headers.get("accept", ""):
        return JSONResponse(told, headers=headers)
    return PlainTextResponse(urlencode(told), headers=headers, media_type="application/x-www-form-urlencoded")


async def _end(request: Request, client_id: str) -> Response:
    """DELETE /applications/{client_id}/grant, by the app's own id and secret."""
    oauth: OAuthServer = request.app.state.oauth
    told = await fields(request)
    try:
        found = program(oauth, request, {})
    except OAuthRefused:
        return JSONResponse({"message": "Bad credentials"}, status_code=401)
    if found.client_id != client_id:
        return JSONResponse({"message": "Not Found"}, status_code=404)
    if not oauth.revoke(found, told.get("access_token", "")):
        return JSONResponse({"message": "Validation Failed"}, status_code=422)
    return Response(status_code=204)
