"""Whose session this browser's cookie is: for programs and scripts that hold a cookie, and never for another site."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from app.process import Process
from app.session import cookie_name
from app.texts import told
from fastmcp_vault.errors import Problem, SessionEnded

_NO_STORE = {"Cache-Control": "no-store"}


async def session(request: Request) -> JSONResponse:
    """GET /auth/session: 200 with the person's name, 401 ``session_ended``, 503 while that cannot be known."""
    process = Process.current()
    cookie = request.cookies.get(cookie_name(https=process.settings.https), "")
    try:
        found = await process.sessions.find(cookie)
    except Problem as problem:
        status = 401 if isinstance(problem, SessionEnded) else 503
        return JSONResponse(
            {"error": problem.code, "error_description": told(problem.what)}, status_code=status, headers=_NO_STORE
        )
    return JSONResponse({"username": found.username, "signed_in_at": found.signed_in_at}, headers=_NO_STORE)
