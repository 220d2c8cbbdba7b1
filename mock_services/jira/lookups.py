"""Routes for what surrounds issues: the site, the caller, people, projects and the fixed lists."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mock_services.jira.access import Caller, JiraCall, JiraError, base_url
from mock_services.jira.model import ISSUE_TYPES, PRIORITIES, RESOLUTION, STATUSES, JiraProject, Option
from mock_services.jira.shapes import FIELDS
from mock_services.jira.site import account_id

router = APIRouter(prefix="/rest/api/{version}")

_NAMES = {"issuetype": "Issue Type", "duedate": "Due date", "resolutiondate": "Resolved"}
_WRITABLE = {
    "summary": "string", "description": "string", "issuetype": "issuetype", "project": "project",
    "priority": "priority", "labels": "array", "assignee": "user", "duedate": "date",
}  # fmt: skip


@router.get("/serverInfo")
async def server_info(request: Request) -> Response:
    """GET /serverInfo, open to everyone."""
    return JSONResponse(
        {
            "baseUrl": base_url(request),
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100300,
            "buildDate": "2026-03-01T00:00:00.000+0000",
            "scmInfo": "mock",
            "serverTitle": "Jira (mock)",
            "defaultLocale": {"locale": "en_GB"},
        }
    )


@router.get("/myself")
async def myself(call: Caller) -> Response:
    """GET /myself."""
    return JSONResponse(call.shapes.myself(call.viewer.username))


@router.get("/user")
async def user(call: Caller) -> Response:
    """GET /user?accountId=…."""
    wanted = call.request.query_params.get("accountId", "")
    for person in call.people.everyone():
        if account_id(person.username) == wanted:
            return JSONResponse(call.shapes.user(person.username))
    raise JiraError(404, "Specified user does not exist or you do not have required permissions")


@router.get("/user/search")
@router.get("/user/assignable/search")
async def search_users(call: Caller) -> Response:
    """GET /user/search?query=…: an account id, or the beginning of a name or e-mail address."""
    asked = call.request.query_params
    wanted = (asked.get("query") or asked.get("accountId") or "").lower()
    start, limit = call.number("startAt", 0, most=2**31), call.number("maxResults", 50, most=1000)
    found = [
        person.username
        for person in call.people.everyone()
        if wanted == account_id(person.username)
        or any(text.lower().startswith(wanted) for text in (person.email, person.name, *person.name.split()))
    ]
    return JSONResponse([call.shapes.user(username) for username in found[start : start + limit]])


@router.get("/project")
async def projects(call: Caller) -> Response:
    """GET /project."""
    return JSONResponse([call.shapes.project(project) for project in call.site.projects(call.viewer)])


@router.get("/project/search")
async def search_projects(call: Caller) -> Response:
    """GET /project/search, in pages."""
    start, limit = call.number("startAt", 0, most=2**31), call.number("maxResults", 50, most=100) or 50
    wanted = call.request.query_params.get("query", "").lower()
    keys = {key.upper() for key in call.texts("keys")}
    found = [
        project
        for project in call.site.projects(call.viewer)
        if (wanted in project.key.lower() or wanted in project.name.lower()) and (not keys or project.key in keys)
    ]
    answer: dict[str, Any] = {
        "self": str(call.request.url),
        "maxResults": limit,
        "startAt": start,
        "total": len(found),
        "isLast": start + limit >= len(found),
        "values": [call.shapes.project(project) for project in found[start : start + limit]],
    }
    if not answer["isLast"]:
        answer["nextPage"] = str(call.request.url.include_query_params(startAt=start + limit, maxResults=limit))
    return JSONResponse(answer)


@router.get("/project/{wanted}")
async def project(call: Caller, wanted: str) -> Response:
    """GET /project/{projectIdOrKey}."""
    return JSONResponse(call.shapes.project_in_full(call.project(wanted)))


@router.get("/project/{wanted}/statuses")
async def project_statuses(call: Caller, wanted: str) -> Response:
    """GET /project/{projectIdOrKey}/statuses: the statuses of each issue type."""
    call.project(wanted)
    statuses = [call.shapes.status(status) for status in STATUSES]
    return JSONResponse([_issue_type(call, kind) | {"statuses": statuses} for kind in ISSUE_TYPES])


@router.get("/field")
async def fields(call: Caller) -> Response:
    """GET /field."""
    return JSONResponse([_field(field) for field in FIELDS])


@router.get("/issuetype")
async def issue_types(call: Caller) -> Response:
    """GET /issuetype."""
    return JSONResponse([_issue_type(call, kind) for kind in ISSUE_TYPES])


@router.get("/priority")
async def priorities(call: Caller) -> Response:
    """GET /priority."""
    return JSONResponse([call.shapes.option("priority", priority) for priority in PRIORITIES])


@router.get("/status")
async def statuses(call: Caller) -> Response:
    """GET /status."""
    return JSONResponse([call.shapes.status(status) for status in STATUSES])


@router.get("/resolution")
async def resolutions(call: Caller) -> Response:
    """GET /resolution."""
    return JSONResponse([call.shapes.option("resolution", RESOLUTION)])


@router.get("/issue/createmeta")
async def create_meta(call: Caller) -> Response:
    """GET /issue/createmeta: what may be created where."""
    keys = {key.upper() for key in call.texts("projectKeys")}
    with_fields = "projects.issuetypes.fields" in call.request.query_params.get("expand", "")
    found = [p for p in call.site.projects(call.viewer) if not keys or p.key in keys]
    return JSONResponse({"expand": "projects", "projects": [_creatable(call, p, with_fields) for p in found]})


@router.get("/issue/createmeta/{wanted}/issuetypes")
async def creatable_types(call: Caller, wanted: str) -> Response:
    """GET /issue/createmeta/{projectIdOrKey}/issuetypes."""
    call.project(wanted)
    kinds = [_issue_type(call, kind) for kind in ISSUE_TYPES]
    return JSONResponse({"startAt": 0, "maxResults": 50, "total": len(kinds), "issueTypes": kinds})


@router.get("/issue/createmeta/{wanted}/issuetypes/{kind}")
async def creatable_fields(call: Caller, wanted: str, kind: str) -> Response:
    """GET /issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}."""
    call.project(wanted)
    if kind not in {option.id for option in ISSUE_TYPES}:
        raise JiraError(400, errors={"issuetype": "Specify a valid issue type"})
    found = list(_meta_fields().values())
    return JSONResponse({"startAt": 0, "maxResults": 50, "total": len(found), "fields": found})


def _issue_type(call: JiraCall, kind: Option) -> dict[str, Any]:
    return call.shapes.option("issuetype", kind)


def _creatable(call: JiraCall, project: JiraProject, with_fields: bool) -> dict[str, Any]:
    extra = {"expand": "fields", "fields": _meta_fields()} if with_fields else {}
    return {**call.shapes.project(project), "issuetypes": [_issue_type(call, kind) | extra for kind in ISSUE_TYPES]}


def _meta_fields() -> dict[str, Any]:
    return {
        name: {
            "required": name in ("summary", "issuetype", "project"),
            "schema": {"type": kind, "system": name} | ({"items": "string"} if kind == "array" else {}),
            "name": _name(name),
            "key": name,
            "fieldId": name,
            "hasDefaultValue": name == "priority",
            "operations": ["set"],
        }
        for name, kind in _WRITABLE.items()
    }


def _field(field: str) -> dict[str, Any]:
    return {
        "id": field,
        "key": field,
        "name": _name(field),
        "custom": False,
        "orderable": field in _WRITABLE,
        "navigable": True,
        "searchable": True,
        "clauseNames": [field],
        "schema": {"type": _WRITABLE.get(field, "string"), "system": field},
    }


def _name(field: str) -> str:
    return _NAMES.get(field, field.capitalize())
