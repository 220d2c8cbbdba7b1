"""Who is calling, what their request holds, and Jira's way of refusing it.

Basic authentication with an e-mail address and an API token; errors as ``errorMessages`` and ``errors``.
Source: Atlassian, "Basic auth for REST APIs" and "Status codes" of the REST API v3.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from mock_services.jira.drafts import Writer
from mock_services.jira.model import JiraIssue, JiraProject
from mock_services.jira.oauth import CLOUD_ID, bearer
from mock_services.jira.shapes import JiraShapes
from mock_services.jira.site import People, Site
from mock_services.people import MockPerson, UsersFile

NO_ISSUE = "Issue does not exist or you do not have permission to see it."
BAD_BODY = "Invalid request payload. Refer to the REST API documentation and try again."


class JiraError(Exception):
    """An answer other than success; ``errors`` holds a message per field."""

    def __init__(self, status: int, *messages: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: {'; '.join(messages) or errors}")
        self.status = status
        self.body = {"errorMessages": list(messages), "errors": dict(errors or {})}

    def response(self) -> Response:
        """The answer in Jira's shape."""
        return JSONResponse(self.body, status_code=self.status)


class Unauthenticated(Exception):
    """No credential, or one that Jira does not know."""

    def __init__(self, *, tried: bool, base: str) -> None:
        super().__init__("not authenticated")
        self.tried, self.base = tried, base

    def response(self) -> Response:
        """Jira answers this one in plain text, with the reason in a header."""
        realm = base64.b64encode(self.base.encode()).decode()
        headers = {"WWW-Authenticate": f'OAuth realm="{realm}"'}
        if self.tried:
            headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        return PlainTextResponse(
            "Client must be authenticated to access this resource.", status_code=401, headers=headers
        )


@dataclass(frozen=True)
class JiraCall:
    """One authenticated request: who asks, for what version, and the site as they may see it."""

    request: Request
    site: Site
    viewer: MockPerson
    people: People
    shapes: JiraShapes

    @property
    def writer(self) -> Writer:
        """Reads what this caller wants to write."""
        return Writer(self.site, self.viewer, self.people, self.shapes.version)

    def issue(self, wanted: str) -> JiraIssue:
        """An issue this caller may see, or 404."""
        found = self.site.issue(self.viewer, wanted)
        if found is None:
            raise JiraError(404, NO_ISSUE)
        return found

    def project(self, wanted: str) -> JiraProject:
        """A project this caller may see, or 404."""
        found = self.site.project(self.viewer, wanted)
        if found is None:
            raise JiraError(404, f"No project could be found with key '{wanted}'.")
        return found

    def number(self, name: str, default: int, *, most: int) -> int:
        """A query parameter that is a number, at least 0 and at most ``most``; 400 when it is none."""
        return bounded(name, self.request.query_params.get(name), default, most=most)

    def texts(self, name: str) -> list[str]:
        """A query parameter that may be repeated and may hold commas."""
        given = ",".join(self.request.query_params.getlist(name))
        return [item.strip() for item in given.split(",") if item.strip()]

    async def body(self) -> dict[str, Any]:
        """The JSON object of the request; 415 or 400 when it is none."""
        if "json" not in self.request.headers.get("content-type", ""):
            raise JiraError(415, "The request must be sent with the Content-Type 'application/json'.")
        try:
            value = json.loads(await self.request.body())
        except (ValueError, RecursionError) as error:
            raise JiraError(400, BAD_BODY) from error
        if not isinstance(value, dict):
            raise JiraError(400, BAD_BODY)
        return value


def bounded(name: str, given: Any, default: int, *, most: int) -> int:
    """``given`` as a number between 0 and ``most``; ``default`` when absent, 400 when it is no number."""
    if given is None or given == "":
        return default
    try:
        value = int(given)
    except (TypeError, ValueError) as error:
        raise JiraError(400, f"The value '{str(given)[:40]}' of '{name}' is not a number.") from error
    if value < 0:
        raise JiraError(400, f"The value of '{name}' must not be negative.")
    return min(value, most)


def base_url(request: Request) -> str:
    """The address the client used, without a closing slash."""
    return str(request.base_url).rstrip("/")


async def _call(request: Request, version: str) -> JiraCall:
    if version not in ("2", "3", "latest"):
        raise JiraError(404, "The requested API version does not exist.")
    users: UsersFile = request.app.state.users
    directory = await users.directory()
    header = request.headers.get("authorization", "")
    email, token = _basic(header)
    viewer = directory.jira_person(email, token) if token else await _granted(request)
    if viewer is None:
        raise Unauthenticated(tried=bool(header), base=base_url(request))
    request.state.caller = viewer.username
    people = People(directory)
    shapes = JiraShapes(base_url(request), "3" if version == "3" else "2", people)
    return JiraCall(request, request.app.state.site, viewer, people, shapes)


async def _granted(request: Request) -> MockPerson | None:
    """Whose access token a request through the gateway bears, if it is for what is asked."""
    if getattr(request.state, "cloud", "") != CLOUD_ID:
        return None
    found = await bearer(request)
    if found is None:
        return None
    person, scopes = found
    # A search is a POST that only reads.
    reads = request.method in ("GET", "HEAD") or request.url.path.endswith(("/search/jql", "/search"))
    needed = "read:jira-work" if reads else "write:jira-work"
    if needed not in scopes:
        raise JiraError(401, "Unauthorized; scope does not match")
    return person


Caller = Annotated[JiraCall, Depends(_call)]
"""A route with a parameter of this type is served to authenticated callers only."""


def _basic(header: str) -> tuple[str, str]:
    """E-mail address and token of an ``Authorization`` header (RFC 7617); empty when it holds none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        email, _, token = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return email, token
