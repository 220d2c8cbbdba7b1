"""The mock Jira as an ASGI application."""

from __future__ import annotations

from html import escape

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from mock_services.jira import issues, lookups, searching
from mock_services.jira.access import JiraError, Unauthenticated
from mock_services.jira.drafts import FieldErrors
from mock_services.jira.oauth import add_oauth, atlassian_oauth
from mock_services.jira.site import Site
from mock_services.people import UsersFile
from mock_services.settings import MockSettings
from mock_services.wire import service


def build(users: UsersFile, settings: MockSettings) -> FastAPI:
    """A Jira with the seed's projects, known to the people of ``users``."""
    app = service("jira", hosts=settings.hosts)
    app.state.users = users
    app.state.site = Site()
    add_oauth(app, atlassian_oauth(settings))
    for module in (lookups, searching, issues):
        app.include_router(module.router)
    app.add_api_route("/", _front)
    app.add_api_route("/browse/{key}", _issue)
    app.add_exception_handler(JiraError, _refused)
    app.add_exception_handler(FieldErrors, _bad_fields)
    app.add_exception_handler(Unauthenticated, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)
    return app


async def _front() -> Response:
    return _page(
        "Mock Jira",
        "It stands where Jira would: the REST API with its real paths and errors, for the demo's people and their "
        "tokens. It has no pages; the app's page MCP tools shows what you may see, as you.",
    )


async def _issue(key: str) -> Response:
    """Where the link of an issue leads; a real Jira would ask who is looking."""
    return _page(
        f"{key[:50]} in the mock Jira",
        "A real Jira would ask you to sign in, and show the issue. This one has no sign-in of its own, so it shows "
        "nothing to whom it does not know: in the app's page MCP tools, get_issue shows the issue to those who may "
        "see it.",
    )


def _page(title: str, text: str) -> Response:
    told = f"<h1>{escape(title)}</h1><p>{escape(text)}</p><p><a href='/health'>Is it well?</a></p>"
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head><body>{told}'
    )
    return HTMLResponse(f"{page}</body></html>", headers={"Content-Security-Policy": "default-src 'none'"})


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, JiraError | Unauthenticated)
    return error.response()


async def _bad_fields(_request: Request, error: Exception) -> Response:
    assert isinstance(error, FieldErrors)
    return JiraError(400, errors=error.errors).response()


async def _no_route(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "Method Not Allowed" if error.status_code == 405 else "null for uri: the resource does not exist"
    return JiraError(error.status_code, message).response()


async def _failed(_request: Request, _error: Exception) -> Response:
    return JiraError(500, "Internal server error").response()
