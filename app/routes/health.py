"""Whether this process serves: it is up, and says whether the shared state is within reach."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from app.process import Process


async def health(_: Request) -> JSONResponse:
    """200 as soon as pages can be served; a state out of reach is a sentence on the page, not a reason to restart."""
    fresh = Process.current().state.fresh()
    return JSONResponse({"status": "healthy", "state": "fresh" if fresh else "stale"})
