"""Connecting an account: to the provider's consent page and back, by authorization code with PKCE (RFC 6749 §4.1).

What must be remembered lies sealed in the browser's own cookie. The answer is taken from the person who began, in the
session they began in, once, and from the provider that was asked (RFC 9207, RFC 9700 §4.4).
"""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app import connections
from app.pending import LIFETIME, SPARE_SECONDS, SealedCookies, cookie_name
from app.process import AppProcess
from app.redirects import safe_next
from app.routes.page import problem_page
from app.session import cookie_name as session_cookie_name
from app.sessions import Session
from app.texts import t
from fastmcp_vault.errors import InputError, LoginFailed, Problem, SessionEnded

_log = logging.getLogger(__name__)

_ERROR_CODE = re.compile(r"[a-z_]{1,64}")
_KIND = "connect"
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class PendingConnection:
    """An account being connected: by whom (``sub``, ``sid``), at which server's provider, and where to go afterwards.

    ``request``: the link of an MCP server that asked for it, if one did.
    """

    server: str
    state: str
    verifier: str
    sub: str
    sid: str
    next: str
    request: str = ""


async def begin(request: Request) -> Response:
    """GET /auth/connect/{server}?next=/page: send the browser to the provider's consent page.

    ``writing=1`` asks for what changing tools need, too, as does an account that is connected so; ``id``: the link of
    an MCP server, which says both.
    """
    process, server = AppProcess.current(), request.path_params["server"]
    next_page = safe_next(request.query_params.get("next"))
    try:
        session = await _session(process, request)
        client = process.providers.client(server)
        writing, asked = request.query_params.get("writing") == "1", request.query_params.get("id", "")
        if asked:
            found = await connections.asked_for(process, session, asked)
            if found.provider != server:
                raise InputError(t("accounts.link-gone"), fix=t("accounts.link-gone.fix"))
            writing = found.writing
        writing = writing or await connections.writes(process, session, server)
        address = connections.redirect_uri(process, server)
        wanted = await client.request(redirect_uri=address, scopes=client.provider.wanted(writing=writing))
    except SessionEnded:
        back = urlencode({"next": next_page})
        return RedirectResponse(f"/auth/login?{back}", status_code=303, headers=_NO_STORE)
    except Problem as problem:
        return problem_page(t("accounts.failed"), problem, status=503 if problem.retryable else 400, sign_in=False)
    pending = PendingConnection(server, wanted.state, wanted.verifier, session.sub, session.sid, next_page, asked)
    response = RedirectResponse(wanted.url, status_code=303, headers=_NO_STORE)
    response.set_cookie(
        cookie_name(wanted.state, _KIND),
        _cookies(process).sealed(asdict(pending)),
        max_age=int(LIFETIME),
        path="/auth/connected",
        httponly=True,
        samesite="lax",
        secure=process.settings.https,
    )
    return response


async def connected(request: Request) -> Response:
    """GET /auth/connected/{server}: the provider's answer, good once; a connection is made, or a page says why not."""
    process, server = AppProcess.current(), request.path_params["server"]
    state = request.query_params.get("state", "")
    name = cookie_name(state, _KIND)
    response: Response
    try:
        kept = _cookies(process).opened(request.cookies.get(name, ""), state=state)
        pending = PendingConnection(**kept) if kept is not None else None
        response = await _connected(process, request, server, pending)
    except Problem as problem:
        _log.info("An account was not connected: %s", problem.code)
        status = 503 if problem.retryable else 400
        response = problem_page(t("accounts.failed"), problem, status=status, sign_in=isinstance(problem, SessionEnded))
    response.delete_cookie(name, path="/auth/connected", httponly=True, samesite="lax", secure=process.settings.https)
    return response


async def _connected(process: AppProcess, request: Request, server: str, pending: PendingConnection | None) -> Response:
    session = await _session(process, request)
    if pending is None or (pending.sub, pending.sid) != (session.sub, session.sid) or pending.server != server:
        raise LoginFailed(t("accounts.answer-unknown"), fix=t("accounts.answer-unknown.fix"))
    await process.providers.client(server).answered_by(request.query_params.get("iss", ""))
    error, code = request.query_params.get("error", ""), request.query_params.get("code", "")
    if error == "access_denied":
        return RedirectResponse(_with(pending.next, refused=server), status_code=303, headers=_NO_STORE)
    if error or not code:
        named = error if _ERROR_CODE.fullmatch(error) else "?"
        raise LoginFailed(t("accounts.refused", error=named), fix=t("accounts.answer-unknown.fix"))
    if not await process.state.finished_logins.finish(pending.state, lifetime=LIFETIME + SPARE_SECONDS):
        raise LoginFailed(t("accounts.answer-unknown"), fix=t("accounts.answer-unknown.fix"))
    if pending.request and not await process.state.account_requests.use(pending.request, sub=session.sub):
        raise InputError(t("accounts.link-gone"), fix=t("accounts.link-gone.fix"))
    await connections.connect(process, session, server, code=code, verifier=pending.verifier)
    return RedirectResponse(_with(pending.next, connected=server), status_code=303, headers=_NO_STORE)


async def _session(process: AppProcess, request: Request) -> Session:
    """The session of this browser. Raises SessionEnded, KeycloakUnavailable, StateUnavailable."""
    return await process.sessions.renewed(request.cookies.get(session_cookie_name(https=process.settings.https), ""))


def _cookies(process: AppProcess) -> SealedCookies:
    return SealedCookies(process.settings.app_session_key, _KIND)


def _with(page: str, **told: str) -> str:
    """The page, told what became of it."""
    return f"{page}{'&' if '?' in page else '?'}{urlencode(told, quote_via=quote)}"
