"""Keycloak tells that a session has ended (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.process import AppProcess
from fastmcp_vault.errors import Problem, StateUnavailable, TokenInvalid
from fastmcp_vault.oidc.jws import RS256
from fastmcp_vault.oidc.validation import check_times

EVENT = "http://schemas.openid.net/event/backchannel-logout"

BODY_LIMIT = 32_768
"""Bytes; a logout token has about a thousand."""

_NO_STORE = {"Cache-Control": "no-store"}


async def backchannel_logout(request: Request) -> Response:
    """POST /auth/backchannel-logout: a session that ended at Keycloak ends here and at every server.

    200 when done, 400 with the reason for a token that is not good (§2.8), 503 when it should be sent again.
    """
    process = AppProcess.current()
    try:
        token = await _logout_token(request)
        key = await process.keys.key_for(token)
        claims = check_logout_token(
            RS256.payload(token, key),
            issuer=process.settings.issuer,
            client_id=process.settings.app_client_id,
            now=time.time(),
        )
        if process.seen.was_used(claims["jti"], now=time.time()):
            raise TokenInvalid("The logout token was used before.", reason="replay")
        await process.state.end_session(claims["sid"], str(claims.get("sub", "")))
        # Only now: Keycloak sends the same token again when the state was down.
        process.seen.used(claims["jti"], until=claims["exp"])
    except Problem as problem:
        status = 503 if problem.retryable or isinstance(problem, StateUnavailable) else 400
        answer = {"error": "invalid_request", "error_description": problem.what}
        return JSONResponse(answer, status_code=status, headers=_NO_STORE)
    return Response(status_code=200, headers=_NO_STORE)


async def only_post(_: Request) -> Response:
    """Anything but POST there; without this, Streamlit's page would answer."""
    return Response(status_code=405, headers={"Allow": "POST", **_NO_STORE})


async def _logout_token(request: Request) -> str:
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > BODY_LIMIT:
        raise TokenInvalid("The request has no logout token, or one that is too long.", reason="malformed")
    form = parse_qs((await request.body()).decode("ascii", "replace"))
    if len(form.get("logout_token", ())) != 1:
        raise TokenInvalid("The request has no logout token.", reason="malformed")
    return form["logout_token"][0]


def check_logout_token(payload: dict[str, Any], *, issuer: str, client_id: str, now: float) -> dict[str, Any]:
    """A logout token's claims once its signature is good (§2.6). Raises TokenInvalid.

    ``sid`` is required here: Keycloak always sends it, and sessions are what this project ends.
    """
    check_times(payload, now)
    audience = payload.get("aud")
    events = payload.get("events")
    wrong = (
        ("issuer", payload.get("iss") != issuer),
        ("audience", client_id not in (audience if isinstance(audience, list) else [audience])),
        ("events", not isinstance(events, dict) or not isinstance(events.get(EVENT), dict)),
        ("nonce", "nonce" in payload),
        ("sid", not isinstance(payload.get("sid"), str) or not payload["sid"]),
        ("jti", not isinstance(payload.get("jti"), str) or not payload["jti"]),
    )
    for reason, is_wrong in wrong:
        if is_wrong:
            raise TokenInvalid(f"The logout token's {reason} is not as it must be.", reason=reason)
    return payload
