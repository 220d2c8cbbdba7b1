"""Whether this process serves people: sessions can be read in PostgreSQL."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from app.process import AppProcess


async def health(_: Request) -> JSONResponse:
    """200 while people can sign in and work, 503 while every page shows them that PostgreSQL is away instead."""
    well = await AppProcess.current().state.serves()
    body = {"status": "healthy" if well else "refusing", "state": "fresh" if well else "stale"}
    return JSONResponse(body, 200 if well else 503)
