"""Routes for issues, pull requests and their comments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response

from mock_services.github.access import Caller, GithubCall, GitHubError, invalid, not_found
from mock_services.github.hub import account
from mock_services.github.model import GithubItem

router = APIRouter(prefix="/repos/{owner}/{name}")

_STATES = ("open", "closed", "all")
_REASONS = ("completed", "not_planned", "duplicate", "reopened")
MAX_TITLE = 256
MAX_BODY = 65_536


@router.get("/issues")
async def issues(call: Caller, owner: str, name: str) -> Response:
    """GET /repos/{owner}/{repo}/issues; pull requests are issues too."""
    repository = call.repository(owner, name)
    asked = call.request.query_params
    labels = [label.strip().lower() for label in asked.get("labels", "").split(",") if label.strip()]
    assignee, creator = asked.get("assignee", ""), asked.get("creator", "")
    since = _since(asked.get("since", ""))
    found = [
        item
        for item in _sorted(call, repository.items, resource="Issue")
        if set(labels) <= {label.lower() for label in item.labels}
        and _assigned(item, assignee.lower())
        and creator.lower() in ("", item.author.lower())
        and (since is None or item.updated >= since)
    ]
    page, links = call.page(found)
    return call.answer([call.shapes.issue(repository, item) for item in page], headers=links)


@router.post("/issues")
async def create_issue(call: Caller, owner: str, name: str) -> Response:
    """POST /repos/{owner}/{repo}/issues; labels and assignees of those without push access are dropped silently."""
    repository = call.repository(owner, name)
    author = call.signed_in()
    given = await call.body()
    if "title" not in given:
        raise GitHubError(422, 'Invalid request.\n\n"title" wasn\'t supplied.')
    fields = _fields(call, given)
    pushes = repository.belongs_to(author)
    item = call.hub.create_issue(
        repository,
        author,
        title=fields["title"],
        body=fields.get("body"),
        labels=fields.get("labels", []) if pushes else [],
        assignees=fields.get("assignees", []) if pushes else [],
    )
    shape = call.shapes.issue(repository, item)
    return call.answer(shape, status=201, headers={"Location": shape["url"]})


@router.get("/issues/{number}")
async def issue(call: Caller, owner: str, name: str, number: str) -> Response:
    """GET /repos/{owner}/{repo}/issues/{issue_number}."""
    return call.answer(call.shapes.issue(*call.item(owner, name, number)))


@router.patch("/issues/{number}")
async def edit_issue(call: Caller, owner: str, name: str, number: str) -> Response:
    """PATCH /repos/{owner}/{repo}/issues/{issue_number}, by those who may push and by the author."""
    repository, item = call.item(owner, name, number)
    login = call.signed_in()
    if not (repository.belongs_to(login) or login == item.author):
        raise GitHubError(403, "Must have admin rights to Repository.")
    fields = _fields(call, await call.body())
    state, reason = fields.pop("state", None), fields.pop("reason", None)
    now = datetime.now(UTC)
    for attribute, value in fields.items():
        setattr(item, attribute, value)
    if state == "closed":
        item.closed, item.reason = item.closed or now, reason or "completed"
    elif state == "open":
        item.reason = "reopened" if item.closed else item.reason
        item.closed = None
    item.updated = now
    return call.answer(call.shapes.issue(repository, item))


@router.get("/issues/{number}/comments")
async def comments(call: Caller, owner: str, name: str, number: str) -> Response:
    """GET /repos/{owner}/{repo}/issues/{issue_number}/comments."""
    repository, item = call.item(owner, name, number)
    since = _since(call.request.query_params.get("since", ""))
    page, links = call.page([comment for comment in item.comments if since is None or comment.created >= since])
    return call.answer([call.shapes.comment(repository, item, comment) for comment in page], headers=links)


@router.post("/issues/{number}/comments")
async def add_comment(call: Caller, owner: str, name: str, number: str) -> Response:
    """POST /repos/{owner}/{repo}/issues/{issue_number}/comments."""
    repository, item = call.item(owner, name, number)
    author = call.signed_in()
    given = await call.body()
    if not given.get("body"):
        raise invalid("IssueComment", "body", "missing_field")
    text = _text(given["body"], "body", MAX_BODY)
    shape = call.shapes.comment(repository, item, call.hub.comment(repository, item, author, text))
    return call.answer(shape, status=201, headers={"Location": shape["url"]})


@router.get("/pulls")
async def pulls(call: Caller, owner: str, name: str) -> Response:
    """GET /repos/{owner}/{repo}/pulls."""
    repository = call.repository(owner, name)
    head, base = call.request.query_params.get("head", ""), call.request.query_params.get("base", "main")
    found = [
        (item, item.pull)
        for item in _sorted(call, repository.items, resource="PullRequest")
        if item.pull and head in ("", f"{repository.owner}:{item.pull.branch}") and base in ("", "main")
    ]
    page, links = call.page(found)
    return call.answer([call.shapes.pull(repository, item, pull) for item, pull in page], headers=links)


@router.get("/pulls/{number}")
async def pull(call: Caller, owner: str, name: str, number: str) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{pull_number}."""
    repository, item = call.item(owner, name, number)
    if item.pull is None:
        raise not_found()
    return call.answer(call.shapes.pull(repository, item, item.pull, full=True))


@router.get("/labels")
async def labels(call: Caller, owner: str, name: str) -> Response:
    """GET /repos/{owner}/{repo}/labels."""
    repository = call.repository(owner, name)
    page, links = call.page(sorted({label for item in repository.items for label in item.labels}))
    return call.answer([call.shapes.label(repository, label) for label in page], headers=links)


@router.get("/assignees")
async def assignees(call: Caller, owner: str, name: str) -> Response:
    """GET /repos/{owner}/{repo}/assignees: those who may push."""
    repository = call.repository(owner, name)
    logins = [p.login for p in call.directory.by_login.values() if repository.belongs_to(p.login)]
    page, links = call.page(sorted(logins))
    return call.answer([call.shapes.user(login) for login in page], headers=links)


def _sorted(call: GithubCall, items: list[GithubItem], *, resource: str) -> list[GithubItem]:
    """The items of the asked state, in the asked order."""
    state = call.choice("state", "open", _STATES, resource=resource)
    sort = call.choice("sort", "created", ("created", "updated", "comments", "popularity"), resource=resource)
    direction = call.choice("direction", "desc", ("asc", "desc"), resource=resource)
    found = [item for item in items if state in ("all", item.state)]
    if sort in ("comments", "popularity"):
        found.sort(key=lambda item: (len(item.comments), item.number))
    else:
        found.sort(key=lambda item: (item.updated if sort == "updated" else item.created, item.number))
    return found[::-1] if direction == "desc" else found


def _assigned(item: GithubItem, wanted: str) -> bool:
    if wanted == "none":
        return not item.assignees
    return bool(item.assignees) if wanted == "*" else wanted in ("", *(login.lower() for login in item.assignees))


def _since(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid("Issue", "since", "invalid") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _fields(call: GithubCall, given: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an issue in a request, checked. Raises 422."""
    fields: dict[str, Any] = {}
    if "title" in given:
        fields["title"] = _text(given["title"], "title", MAX_TITLE).strip()
        if not fields["title"]:
            raise invalid("Issue", "title", "missing_field")
    if "body" in given:
        fields["body"] = None if given["body"] is None else _text(given["body"], "body", MAX_BODY)
    if "labels" in given:
        fields["labels"] = [_label(label) for label in _list(given["labels"], "labels")]
    logins = given.get("assignees", [given["assignee"]] if given.get("assignee") else None)
    if logins is not None:
        fields["assignees"] = [_assignee(call, login) for login in _list(logins, "assignees")]
    if "state" in given:
        if given["state"] not in ("open", "closed"):
            raise invalid("Issue", "state", "invalid")
        fields["state"] = given["state"]
    if given.get("state_reason") is not None:
        if given["state_reason"] not in _REASONS:
            raise invalid("Issue", "state_reason", "invalid")
        fields["reason"] = given["state_reason"]
    return fields


def _text(value: Any, field: str, limit: int) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise GitHubError(422, f"Invalid request.\n\nFor 'properties/{field}', {value!r:.40} is not a string.")
    text = str(value)
    if len(text) > limit:
        raise invalid("Issue", field, "custom", f"{field} is too long (maximum is {limit} characters)")
    return text


def _list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise GitHubError(422, f"Invalid request.\n\nFor 'properties/{field}', {value!r:.40} is not an array.")
    return value


def _label(value: Any) -> str:
    name = value.get("name") if isinstance(value, dict) else value
    if not isinstance(name, str) or not name:
        raise invalid("Label", "name", "invalid")
    return name


def _assignee(call: GithubCall, login: Any) -> str:
    person = account(call.directory, login) if isinstance(login, str) else None
    if person is None:
        raise invalid("Issue", "assignees", "invalid")
    return person.login
