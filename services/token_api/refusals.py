"""How the token API says no: one table from our errors to status codes, in the body's shape that the route promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.speech import said
from fastmcp_vault.errors import (
    AccessSuspended,
    CredentialMissing,
    InputError,
    KeycloakUnavailable,
    Problem,
    ServerSuspended,
    SessionEnded,
    StateUnavailable,
    TokenInvalid,
    VaultDenied,
    VaultUnavailable,
)
from fastmcp_vault.faults import clause
from fastmcp_vault.sentences import Sentence, joined
from services.token_api.tokens import TooManyTokens
from services.web import BROKEN, spoken_by

CREATE = "/api/token/create"
RETRY_AFTER_SECONDS = "2"


Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


class RequestRefused(Exception):
    """A refusal with its status and both of its words."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message


NO_TOKEN = RequestRefused(401, "Token is required", "Send the token in the header Token-Header.")
_NOT_GOOD = RequestRefused(403, "Invalid token", "Vault does not know this token, or its time is over.")
_NOT_ALLOWED = RequestRefused(403, "Permission denied", "Vault refused: no policy of this token allows it.")

_TABLE: tuple[tuple[type[Problem], int, str], ...] = (
    (TokenInvalid, 401, "Unauthorized"),
    (SessionEnded, 401, "Unauthorized"),
    (AccessSuspended, 403, "Forbidden"),
    (CredentialMissing, 404, "Not Found"),
    (InputError, 400, "Bad Request"),
    (TooManyTokens, 429, "Too Many Requests"),
    (ServerSuspended, 503, "Service Unavailable"),
    (StateUnavailable, 503, "Service Unavailable"),
    (KeycloakUnavailable, 503, "Service Unavailable"),
    (VaultUnavailable, 503, "Service Unavailable"),
)


_WORDS = {
    "missing": "it is missing",
    "string_too_short": "it is blank",
    "string_pattern_mismatch": "it is blank, or holds characters that it may not",
    "extra_forbidden": "there is no such field",
    "model_attributes_type": "a JSON object is expected",
    "json_invalid": "this is not JSON",
}
"""pydantic's error types, where its own words would not help whoever calls."""


async def answer_to(request: Request, error: Problem | RequestRefused) -> Response:
    """The answer to one refusal. What Vault said stays in the log."""
    refused = error if isinstance(error, RequestRefused) else await _refusal(request, error)
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if refused.status == 503 else {}
    if refused.status == 401 and isinstance(error, (TokenInvalid, SessionEnded)):
        headers["WWW-Authenticate"] = 'Bearer realm="token-api"'
    return JSONResponse(_body(request, refused), refused.status, headers=headers)


async def invalid(request: Request, error: RequestValidationError) -> Response:
    """400 with the fields that cannot be read, and why; never their values."""
    found = error.errors()
    if any(fault["loc"][-1:] == ("name",) and fault["type"] in ("missing", "string_too_short") for fault in found):
        return JSONResponse(_body(request, RequestRefused(400, "Bad Request", "Give the token a name.")), 400)
    faults = joined("; ", map(_fault, found))
    message = Sentence("This request cannot be read: {faults}.", faults=faults)
    return JSONResponse(_body(request, RequestRefused(400, "Bad Request", message)), 400)


def unreadable(usual: Handler) -> Handler:
    """A body that is no text is refused before it is validated: told in the shape that creating a token promises."""

    async def handle(request: Request, error: Exception) -> Response:
        if request.url.path == CREATE and getattr(error, "status_code", 0) == 400:
            return await answer_to(request, RequestRefused(400, "Bad Request", "This request cannot be read."))
        answer = usual(request, error)
        return answer if isinstance(answer, Response) else await answer

    return handle


async def _refusal(request: Request, problem: Problem) -> RequestRefused:
    if isinstance(problem, VaultDenied):
        return await _denied(request)
    for kind, status, word in _TABLE:
        if isinstance(problem, kind):
            return RequestRefused(
                status, word, _LATER if status == 503 else joined(" ", filter(None, (problem.what, problem.fix)))
            )
    return RequestRefused(500, "Internal Server Error", BROKEN)


_LATER = "A part that this service needs does not answer. Try again in a moment."


async def _denied(request: Request) -> RequestRefused:
    """Vault says the same of a dead token and of a path that a good one may not use: so it is asked which."""
    presented = request.headers.get("Token-Header", "").strip()
    if not presented:
        return RequestRefused(503, "Service Unavailable", _LATER)
    try:
        await request.app.state.tokens.look_up(SecretStr(presented))
    except VaultDenied:
        return _NOT_GOOD
    except Problem:
        return RequestRefused(503, "Service Unavailable", _LATER)
    return _NOT_ALLOWED


def _body(request: Request, refused: RequestRefused) -> dict[str, object]:
    message = said(refused.message, spoken_by(request))
    if request.url.path == CREATE:
        return {"success": False, "message": message}
    return {"error": refused.error, "message": message}


def _fault(found: Mapping[str, Any]) -> Sentence:
    words = _WORDS.get(found["type"]) or clause(found)
    return Sentence("{place}: {clause}", place=_place(found["loc"]), clause=words)


def _place(location: tuple[int | str, ...]) -> str:
    named = [str(part) for part in location if part not in ("body", "header", "query", "path")]
    return ".".join(named) or "body"
