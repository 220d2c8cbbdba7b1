"""Sign-in: authorization code with PKCE (RFC 6749 §4.1, RFC 7636, OpenID Connect Core §3.1), answered by a session."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from urllib.parse import urlencode

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.pending import LIFETIME, Pending, cookie_name
from app.process import AppProcess
from app.redirects import safe_next
from app.routes.page import problem_page
from app.session import cookie_name as session_cookie_name
from app.texts import t
from fastmcp_vault import metrics, tracing
from fastmcp_vault.errors import AccessSuspended, LoginFailed, Problem
from fastmcp_vault.levels import LEVELS, reached
from fastmcp_vault.masking import mask_url
from fastmcp_vault.oidc.tokens import Claims, TokenSet
from fastmcp_vault.state.protocol import principals_of

_log = logging.getLogger(__name__)

_ERROR_CODE = re.compile(r"[a-z_]{1,64}")
"""RFC 6749 §4.1.2.1's error codes; anything else that comes in ``error`` is not repeated."""


async def login(request: Request) -> Response:
    """GET /auth/login?next=/page: seal the sign-in in a cookie of this browser, and send it to Keycloak.

    With ``fresh=1`` Keycloak asks for the password even of who is signed in; with ``level=confirmed`` or
    another of our levels, for what that needs.
    """
    process = AppProcess.current()
    level = request.query_params.get("level", "")
    acr = level if level in LEVELS else ""
    anew = request.query_params.get("fresh") == "1"
    wanted = process.keycloak.login_request(redirect_uri=process.settings.redirect_uri, anew=anew, acr=acr)
    pending = Pending(
        state=wanted.state,
        nonce=wanted.nonce,
        verifier=SecretStr(wanted.verifier),
        next=safe_next(request.query_params.get("next")),
        asked=mask_url(wanted.url),
        acr=acr,
        anew=anew,
    )
    response = RedirectResponse(wanted.url, status_code=303, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        cookie_name(wanted.state),
        process.pending.sealed(pending),
        max_age=int(LIFETIME),
        path="/auth/callback",
        httponly=True,
        samesite="lax",
        secure=process.settings.https,
    )
    return response


async def callback(request: Request) -> Response:
    """GET /auth/callback: Keycloak's answer, good once; the code becomes a session, or a page says why not."""
    process = AppProcess.current()
    state = request.query_params.get("state", "")
    name = cookie_name(state)
    pending: Pending | None = None
    try:
        pending = process.pending.opened(request.cookies.get(name, ""), state=state)
        code = _code(request, pending)
        response = await _signed_in(process, request, pending, code)
        metrics.SIGN_INS.add(outcome="done")
    except Problem as problem:
        metrics.SIGN_INS.add(outcome=problem.code)
        _log.info("Sign-in failed: %s", problem.code)
        suspended = isinstance(problem, AccessSuspended)
        status = 403 if suspended else 503 if problem.retryable else 400
        response = problem_page(t("page.login-failed"), problem, status=status, sign_in=not suspended)
        if await _signed_in_already(process, request, pending):
            where = pending.next if pending else "/"
            response = RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})
    response.delete_cookie(name, path="/auth/callback", httponly=True, samesite="lax", secure=process.settings.https)
    return response


async def _signed_in_already(process: AppProcess, request: Request, pending: Pending | None) -> bool:
    """Whether this answer is of a sign-in that somebody no longer needs: used, too old, or ended by Keycloak.

    The browser's "back" after signing in leads here. Not so where a level was demanded, or where a code was sent for
    a sign-in under way: that it failed is news.
    """
    under_way = pending is not None and (bool(pending.acr) or "error" not in request.query_params)
    if under_way:
        return False
    try:
        await process.sessions.find(_cookie(process, request))
    except Problem:
        return False
    return True


def _code(request: Request, pending: Pending | None) -> str:
    """The authorization code, if this answer belongs to a sign-in of this browser. Raises LoginFailed."""
    if pending is None:
        raise LoginFailed(t("login.unknown"), fix=t("login.unknown.fix"))
    error = request.query_params.get("error", "")
    if error == "access_denied":
        raise LoginFailed(t("login.cancelled"), fix=t("login.cancelled.fix"))
    code = request.query_params.get("code", "")
    if error or not code:
        named = error if _ERROR_CODE.fullmatch(error) else "?"
        raise LoginFailed(t("login.refused", error=named), fix=t("login.refused.fix"))
    return code


async def _signed_in(process: AppProcess, request: Request, pending: Pending | None, code: str) -> Response:
    if pending is None:
        raise LoginFailed(t("login.unknown"), fix=t("login.unknown.fix"))
    recorder = tracing.Recorder("login")
    recorder.protect(code, pending.verifier.get_secret_value(), pending.nonce, pending.state)
    with tracing.recording(recorder):
        with tracing.step("login") as opened:
            tokens = await process.keycloak.redeem(
                code=code,
                verifier=pending.verifier.get_secret_value(),
                nonce=pending.nonce,
                redirect_uri=process.settings.redirect_uri,
            )
            opened.valid(until=tokens.refresh_expires_at)
            opened.detail(
                browser_was_sent_to=pending.asked,
                browser_came_back_with=mask_url(str(request.url)),
                scope_granted=tokens.scope,
            )
        if not await process.pending.finish(pending):
            raise LoginFailed(t("login.unknown"), fix=t("login.unknown.fix"))
        claims = await _claims(process, tokens)
        opened.detail(acr_demanded=pending.acr, acr_given=claims.acr)
        await _require_admitted(process, tokens, claims)
        _strong_enough(pending.acr, claims.acr)
        opened.say(t("step.login", username=claims.username))
    if process.state.ended(claims.sid, claims.auth_time) and not pending.anew:
        # Keycloak went on with a session that has ended here: its person signs in anew, and is let in.
        again = urlencode({"fresh": "1", "level": pending.acr, "next": pending.next})
        return RedirectResponse(f"/auth/login?{again}", status_code=303, headers={"Cache-Control": "no-store"})
    response = RedirectResponse(pending.next, status_code=303, headers={"Cache-Control": "no-store"})
    if await _adds_nothing(process, request, claims):
        return response
    await _end_former(process, request)
    cookie = await process.sessions.begin(tokens, claims, opened.step)
    response.set_cookie(
        session_cookie_name(https=process.settings.https),
        cookie,
        path="/",
        httponly=True,
        samesite="lax",
        secure=process.settings.https,
    )
    return response


async def _claims(process: AppProcess, tokens: TokenSet) -> Claims:
    claims = await process.validator.validate(tokens.access_token.get_secret_value())
    if claims.azp != process.settings.app_client_id or not claims.sid:
        raise LoginFailed(t("problem.other-program"), fix=t("login.refused.fix"))
    return claims


async def _require_admitted(process: AppProcess, tokens: TokenSet, claims: Claims) -> None:
    """Nothing, if the person may come in; else Keycloak's session ends, too. Raises AccessSuspended."""
    try:
        process.state.check_principals(*principals_of(claims))
    except AccessSuspended:
        if tokens.refresh_token is not None:
            with suppress(Problem):
                await process.keycloak.end_session(tokens.refresh_token)
        raise


def _strong_enough(demanded: str, given: str) -> None:
    """A sign-in below the level demanded is a failed one (OpenID Connect Core §5.5.1.1). Raises LoginFailed."""
    if demanded and demanded not in reached(given):
        raise LoginFailed(t("login.level", demanded=demanded, given=given or "—"), fix=t("login.level.fix"))


async def _adds_nothing(process: AppProcess, request: Request, claims: Claims) -> bool:
    """Whether this browser has the session already: two tabs signed in at once, and Keycloak asked in only one.

    Replacing it would tell the other tab, whose connection came with the former cookie, that its session has ended.
    """
    try:
        session = await process.sessions.find(_cookie(process, request))
    except Problem:
        return False
    held = (session.sub, session.sid, session.username, session.email, session.acr)
    told = (claims.sub, claims.sid, claims.username, claims.email, claims.acr)
    return held == told and claims.auth_time <= session.auth_time


async def _end_former(process: AppProcess, request: Request) -> None:
    """Drop the session that this browser had: its cookie is about to be replaced, and nobody could sign it out.

    Signing in again within the same Keycloak session keeps that session alive for its new cookie.
    """
    if former := _cookie(process, request):
        await process.sessions.forget(former)


def _cookie(process: AppProcess, request: Request) -> str:
    """The session cookie that this browser sent; empty when it sent none."""
    return request.cookies.get(session_cookie_name(https=process.settings.https), "")
