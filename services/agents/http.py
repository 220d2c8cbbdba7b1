"""How both services answer: refusals as OAuth has them, whatever part raised them."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from common.speech import said
from fastmcp_vault.errors import Problem
from services.agents.errors import (
    AgentScopeInsufficient,
    InvalidClient,
    InvalidToken,
    MissingToken,
    OAuthError,
    Unavailable,
)
from services.web import spoken_by

RETRY_AFTER_SECONDS = 2
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""RFC 6749 §5.1: nothing that holds a token, or speaks of one, is kept by anybody."""

log = logging.getLogger(__name__)


def answer_problems(app: FastAPI) -> None:
    """Make every Problem that leaves a request handler an answer."""

    @app.exception_handler(Problem)
    async def answer(request: Request, problem: Problem) -> Response:
        return refusal(problem, spoken_by(request))


def refusal(problem: Problem, language: str) -> Response:
    """``{"error", "error_description"}`` with its status and, for 401 and 403, ``WWW-Authenticate`` (RFC 6750 §3).

    The body is in ``language``; the header, which holds ASCII only, in English.
    """
    error = problem if isinstance(problem, OAuthError) else Unavailable(problem.what, fix=problem.fix)
    log.log(logging.WARNING if error.status >= 500 else logging.INFO, "Refused: %s, %s", error.error, error.what)
    headers = dict(NO_STORE)
    if isinstance(error, MissingToken):
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, InvalidToken | AgentScopeInsufficient):
        scope = f', scope="{error.detail["scope"]}"' if "scope" in error.detail else ""
        headers["WWW-Authenticate"] = f'Bearer error="{error.error}", error_description="{error.what}"{scope}'
    elif isinstance(error, InvalidClient):
        headers["WWW-Authenticate"] = 'Mutual-TLS realm="agents"'
    elif error.status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    body = {"error": error.error, "error_description": said(error.what, language)}
    return JSONResponse(body, error.status, headers=headers)
