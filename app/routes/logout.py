"""Sign-out: this app, every MCP server, and Keycloak (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.process import AppProcess
from app.routes.page import problem_page
from app.session import cookie_name
from app.texts import t
from fastmcp_vault.errors import InputError, Problem

_log = logging.getLogger(__name__)


async def logout(request: Request) -> Response:
    """POST /auth/logout, from this app's own pages only: end the session everywhere, clear the cookie, go home.

    The session ends here and at the servers first: Keycloak being down must not keep anybody signed in.
    """
    process = AppProcess.current()
    if not from_this_app(request, process.settings.public_origin):
        refused = InputError(t("logout.refused"), fix=t("logout.refused.fix"))
        return problem_page(t("page.logout-failed"), refused, status=403, sign_in=False)
    name = cookie_name(https=process.settings.https)
    home = process.settings.app_public_url.rstrip("/") + "/"
    target = home
    try:
        session = await process.sessions.end(request.cookies.get(name, ""))
    except Problem as problem:
        return problem_page(t("page.logout-failed"), problem, status=503, sign_in=False)
    if session is not None and session.tokens.refresh_token is not None:
        try:
            await process.keycloak.end_session(session.tokens.refresh_token)
            # Without an ID token as a hint: no token is to stand in an address. The session is over, nothing is asked.
            target = process.keycloak.logout_url(id_token_hint=None, post_logout_redirect_uri=home)
        except Problem as problem:
            _log.warning("Signed out here; Keycloak's own session could not be ended: %s", problem.code)
    response = RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})
    response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=process.settings.https)
    return response


async def logout_needs_post(_: Request) -> Response:
    """GET /auth/logout: a link from anywhere must not sign a person out."""
    needed = InputError(t("logout.use-button"), fix=t("logout.use-button.fix"))
    return problem_page(t("page.logout-failed"), needed, status=405, sign_in=False)


def from_this_app(request: Request, origin: str) -> bool:
    """Whether a browser sent this from a page of ours: ``Origin`` says so (RFC 6454 §7), and Fetch Metadata agrees."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    return request.headers.get("origin") == origin and site == "same-origin"
