"""What a person typed, kept while they are at another site, for this app's own pages only."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

from app import drafts
from app.process import AppProcess
from app.routes.logout import from_this_app
from app.session import cookie_name
from fastmcp_vault.errors import Problem

_NO_STORE = {"Cache-Control": "no-store"}


async def keep(request: Request) -> Response:
    """POST /auth/draft, an object of values by their widget's key. 204; 400, 401, 403, 413, 503."""
    process = AppProcess.current()
    if not from_this_app(request, process.settings.public_origin):
        return Response(status_code=403, headers=_NO_STORE)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > drafts.LIMIT:
            return Response(status_code=413, headers=_NO_STORE)
    form = _form(bytes(body))
    if form is None:
        return Response(status_code=400, headers=_NO_STORE)
    try:
        cookie = request.cookies.get(cookie_name(https=process.settings.https), "")
        session = await process.sessions.renewed(cookie)
        await drafts.keep(process, session.sub, form)
    except Problem as problem:
        return Response(status_code=503 if problem.retryable else 401, headers=_NO_STORE)
    return Response(status_code=204, headers=_NO_STORE)


def _form(body: bytes) -> drafts.Typed | None:
    """Values of tools' forms; None for anything else."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    good = isinstance(told, dict) and all(
        name.startswith("arg.") and isinstance(value, str | int | float) for name, value in told.items()
    )
    return told if good else None
