"""Routes for issues: read, create, edit, assign, comment, move along."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from mock_services.jira.access import BAD_BODY, Caller, JiraCall, JiraError
from mock_services.jira.drafts import FieldErrors
from mock_services.jira.model import TRANSITIONS, JiraIssue

router = APIRouter(prefix="/rest/api/{version}/issue")

MAX_COMMENTS = 5000


@router.post("")
async def create_issue(call: Caller) -> Response:
    """POST /issue."""
    project, draft = call.writer.new(_object(await call.body(), "fields"))
    issue = call.site.create(call.viewer, project, draft)
    found = {"id": str(issue.id), "key": issue.key, "self": call.shapes.url(f"issue/{issue.id}")}
    return JSONResponse(found, status_code=201)


@router.get("/{wanted}")
async def get_issue(call: Caller, wanted: str) -> Response:
    """GET /issue/{issueIdOrKey}."""
    return JSONResponse(call.shapes.issue(call.issue(wanted), call.texts("fields") or ["*all"]))


@router.put("/{wanted}")
async def edit_issue(call: Caller, wanted: str) -> Response:
    """PUT /issue/{issueIdOrKey}."""
    _edit(call, call.issue(wanted), await call.body())
    return Response(status_code=204)


@router.put("/{wanted}/assignee")
async def assign_issue(call: Caller, wanted: str) -> Response:
    """PUT /issue/{issueIdOrKey}/assignee."""
    issue = call.issue(wanted)
    try:
        assignee = call.writer.assignee(await call.body())
    except ValueError as error:
        raise JiraError(400, errors={"assignee": str(error)}) from error
    call.site.change(issue, {"assignee": assignee})
    return Response(status_code=204)


@router.get("/{wanted}/comment")
async def get_comments(call: Caller, wanted: str) -> Response:
    """GET /issue/{issueIdOrKey}/comment."""
    issue = call.issue(wanted)
    start = call.number("startAt", 0, most=2**31)
    limit = call.number("maxResults", MAX_COMMENTS, most=MAX_COMMENTS)
    comments = issue.comments[::-1] if call.request.query_params.get("orderBy") == "-created" else issue.comments
    return JSONResponse(
        {
            "startAt": start,
            "maxResults": limit,
            "total": len(comments),
            "comments": [call.shapes.comment(issue, comment) for comment in comments[start : start + limit]],
        }
    )


@router.post("/{wanted}/comment")
async def add_comment(call: Caller, wanted: str) -> Response:
    """POST /issue/{issueIdOrKey}/comment."""
    issue = call.issue(wanted)
    comment = _comment(call, issue, await call.body())
    return JSONResponse(call.shapes.comment(issue, comment), status_code=201)


@router.get("/{wanted}/comment/{number}")
async def get_comment(call: Caller, wanted: str, number: str) -> Response:
    """GET /issue/{issueIdOrKey}/comment/{id}."""
    issue = call.issue(wanted)
    for comment in issue.comments:
        if str(comment.id) == number:
            return JSONResponse(call.shapes.comment(issue, comment))
    raise JiraError(404, f"Can not find a comment for the id: {number}.")


@router.get("/{wanted}/transitions")
async def get_transitions(call: Caller, wanted: str) -> Response:
    """GET /issue/{issueIdOrKey}/transitions."""
    call.issue(wanted)
    only = call.request.query_params.get("transitionId")
    found = [t for t in call.shapes.transitions() if only in (None, "", t["id"])]
    return JSONResponse({"expand": "transitions", "transitions": found})


@router.post("/{wanted}/transitions")
async def do_transition(call: Caller, wanted: str) -> Response:
    """POST /issue/{issueIdOrKey}/transitions."""
    issue = call.issue(wanted)
    body = await call.body()
    number = _object(body, "transition").get("id")
    if number is None:
        raise JiraError(400, "Missing 'transition' identifier")
    if str(number) not in TRANSITIONS:
        raise JiraError(400, f"Transition id '{str(number)[:40]}' is not valid for this issue.")
    _edit(call, issue, body)
    call.site.transition(issue, str(number))
    return Response(status_code=204)


def _edit(call: JiraCall, issue: JiraIssue, body: dict[str, Any]) -> None:
    """Apply ``fields`` and ``update`` of a request; nothing is written when any of it is wrong."""
    fields = dict(_object(body, "fields"))
    bodies = []
    for name, operations in _object(body, "update").items():
        if not isinstance(operations, list) or not all(isinstance(o, dict) and len(o) == 1 for o in operations):
            raise JiraError(400, BAD_BODY)
        for operation in operations:
            verb, value = next(iter(operation.items()))
            if name == "comment" and verb == "add":
                bodies.append(_body(call, value))
            elif name == "labels" and verb in ("add", "remove"):
                current = fields.get("labels", issue.labels)
                fields["labels"] = [*current, value] if verb == "add" else [x for x in current if x != value]
            elif verb == "set":
                fields[name] = value
            else:
                raise JiraError(400, errors={name: f"Field with id '{name}' does not support operation '{verb}'"})
    changes = call.writer.changes(fields)
    if changes:
        call.site.change(issue, changes)
    for document in bodies:
        call.site.comment(call.viewer, issue, document)


def _comment(call: JiraCall, issue: JiraIssue, body: dict[str, Any]) -> Any:
    return call.site.comment(call.viewer, issue, _body(call, body))


def _body(call: JiraCall, value: Any) -> Any:
    """The document of a comment; 400 when it is missing, blank or of the wrong kind."""
    given = value.get("body") if isinstance(value, dict) else None
    if given is None or given == "":
        raise JiraError(400, errors={"comment": "Comment body can not be empty!"})
    try:
        return call.writer.document(given)
    except ValueError as error:
        raise FieldErrors({"comment": str(error)}) from error


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise JiraError(400, BAD_BODY)
    return value
