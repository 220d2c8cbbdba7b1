"""Whose session this browser's cookie is, and that somebody uses it. Never for another site."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.process import AppProcess
from app.routes.logout import from_this_app
from app.session import cookie_name, refusal_status
from app.texts import told
from fastmcp_vault.errors import Problem

_NO_STORE = {"Cache-Control": "no-store"}


async def alive(request: Request) -> Response:
    """POST /auth/alive, from this app's own pages only: somebody is typing, so their session goes on.

    204, 401, 403, 503.
    """
    process = AppProcess.current()
    if not from_this_app(request, process.settings.public_origin):
        return Response(status_code=403, headers=_NO_STORE)
    try:
        await process.sessions.renewed(request.cookies.get(cookie_name(https=process.settings.https), ""))
    except Problem as problem:
        return Response(status_code=refusal_status(problem), headers=_NO_STORE)
    return Response(status_code=204, headers=_NO_STORE)


async def session(request: Request) -> JSONResponse:
    """GET /auth/session: 200 with the person's name, 401 ``session_ended``, 403 suspended, 503 while not known."""
    process = AppProcess.current()
    cookie = request.cookies.get(cookie_name(https=process.settings.https), "")
    try:
        found = await process.sessions.find(cookie)
    except Problem as problem:
        said = {"error": problem.code, "error_description": told(problem.what)}
        return JSONResponse(said, status_code=refusal_status(problem), headers=_NO_STORE)
    return JSONResponse({"username": found.username, "signed_in_at": found.signed_in_at}, headers=_NO_STORE)
