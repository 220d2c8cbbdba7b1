"""The mock GitHub as an ASGI application."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mock_services.github import accounts, items
from mock_services.github.access import API_VERSION, GitHubError, not_found
from mock_services.github.hub import Hub
from mock_services.github.oauth import add_oauth, github_oauth
from mock_services.github.rate import Rate, Rates
from mock_services.people import UsersFile
from mock_services.settings import MockSettings
from mock_services.wire import service


def build(users: UsersFile, settings: MockSettings) -> FastAPI:
    """A GitHub with the seed's repositories, known to the people of ``users``."""
    app = service("github", hosts=settings.hosts)
    app.state.users = users
    app.state.hub = Hub()
    app.state.rates = Rates()
    add_oauth(app, github_oauth(settings))
    app.include_router(accounts.router)
    app.include_router(items.router)
    app.middleware("http")(_headers)
    app.add_exception_handler(GitHubError, _refused)
    app.add_exception_handler(RequestValidationError, _missing)
    app.add_exception_handler(HTTPException, _missing)
    app.add_exception_handler(Exception, _failed)
    return app


async def _headers(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    """What GitHub adds to every answer. The version asked for is answered as if it were the one spoken here."""
    response = await proceed(request)
    asked = request.headers.get("x-github-api-version", API_VERSION)
    response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    response.headers["X-GitHub-Api-Version-Selected"] = asked if asked.replace("-", "").isdigit() else API_VERSION
    response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex[:16].upper()
    response.headers["X-Content-Type-Options"] = "nosniff"
    rate: Rate | None = getattr(request.state, "rate", None)
    if rate is not None:
        response.headers.update(rate.headers())
    return response


def _shape(error: GitHubError) -> Response:
    return JSONResponse(error.body, status_code=error.status)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GitHubError)
    return _shape(error)


async def _missing(_request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code != 404:
        return _shape(GitHubError(error.status_code, str(error.detail)))
    return _shape(not_found())


async def _failed(_request: Request, _error: Exception) -> Response:
    return _shape(GitHubError(500, "Server Error"))
