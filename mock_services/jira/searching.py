"""Routes for searches: ``/search/jql`` with page tokens, and the older ``/search`` with ``startAt``.

Jira Cloud has ended the older one; Data Center still has it, and so do many clients.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from mock_services.jira.access import BAD_BODY, Caller, JiraCall, JiraError, bounded
from mock_services.jira.jql import parse
from mock_services.jira.lexer import JqlError
from mock_services.jira.matching import Search
from mock_services.jira.model import JiraIssue

router = APIRouter(prefix="/rest/api/{version}")

MAX_IDS = 5000
"""Issues on a page that asks for nothing but ids."""

MAX_PAGE = 100
MAX_JQL = 10_000


@router.get("/search/jql")
async def search_by_query(call: Caller) -> Response:
    """GET /search/jql."""
    query = dict(call.request.query_params)
    return _page(call, query | {"fields": call.texts("fields")})


@router.post("/search/jql")
async def search_by_body(call: Caller) -> Response:
    """POST /search/jql."""
    return _page(call, await call.body())


@router.get("/search")
async def old_search_by_query(call: Caller) -> Response:
    """GET /search."""
    query = dict(call.request.query_params)
    return _old_page(call, query | {"fields": call.texts("fields")})


@router.post("/search")
async def old_search_by_body(call: Caller) -> Response:
    """POST /search."""
    return _old_page(call, await call.body())


def _page(call: JiraCall, asked: dict[str, Any]) -> Response:
    fields = _fields(asked) or ["id"]
    limit = bounded("maxResults", asked.get("maxResults"), 50, most=MAX_IDS if fields == ["id"] else MAX_PAGE) or 50
    jql = _jql(asked)
    start = _start(asked.get("nextPageToken"), jql)
    issues = _found(call, jql, bounded_query=True)
    page = issues[start : start + limit]
    answer: dict[str, Any] = {"issues": [call.shapes.issue(issue, fields) for issue in page]}
    if start + limit < len(issues):
        answer["nextPageToken"] = _token(start + limit, jql)
    answer["isLast"] = "nextPageToken" not in answer
    return JSONResponse(answer)


def _old_page(call: JiraCall, asked: dict[str, Any]) -> Response:
    start = bounded("startAt", asked.get("startAt"), 0, most=2**31)
    limit = bounded("maxResults", asked.get("maxResults"), 50, most=MAX_PAGE)
    issues = _found(call, _jql(asked), bounded_query=False)
    fields = _fields(asked) or ["*navigable"]
    return JSONResponse(
        {
            "expand": "schema,names",
            "startAt": start,
            "maxResults": limit,
            "total": len(issues),
            "issues": [call.shapes.issue(issue, fields) for issue in issues[start : start + limit]],
        }
    )


def _found(call: JiraCall, jql: str, *, bounded_query: bool) -> list[JiraIssue]:
    try:
        query = parse(jql)
        if bounded_query and query.where is None:
            raise JqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
        return Search(call.site, call.viewer, call.people, datetime.now(UTC)).run(query)
    except JqlError as error:
        raise JiraError(400, str(error)) from error


def _jql(asked: dict[str, Any]) -> str:
    jql = asked.get("jql") or ""
    if not isinstance(jql, str):
        raise JiraError(400, BAD_BODY)
    if len(jql) > MAX_JQL:
        raise JiraError(400, f"The JQL query is longer than {MAX_JQL:,} characters.")
    return jql


def _fields(asked: dict[str, Any]) -> list[str]:
    fields = asked.get("fields") or []
    if not isinstance(fields, list) or not all(isinstance(field, str) for field in fields):
        raise JiraError(400, BAD_BODY)
    return fields


def _token(start: int, jql: str) -> str:
    """A page token; it is good for the query it was given for."""
    return base64.urlsafe_b64encode(json.dumps([start, _fingerprint(jql)]).encode()).decode()


def _start(token: Any, jql: str) -> int:
    if not token:
        return 0
    try:
        start, fingerprint = json.loads(base64.urlsafe_b64decode(str(token)))
        if fingerprint == _fingerprint(jql) and isinstance(start, int) and start > 0:
            return start
    except (binascii.Error, ValueError, TypeError):
        pass
    raise JiraError(400, "The provided next page token is invalid or expired.")


def _fingerprint(jql: str) -> str:
    return hashlib.sha256(jql.encode()).hexdigest()[:16]
