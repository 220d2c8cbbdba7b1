"""Routes for people, organisations and repositories."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mock_services.github.access import Caller, GithubCall, not_found
from mock_services.github.hub import ORGANISATION, account
from mock_services.github.model import GithubRepository
from mock_services.github.rate import Rate

router = APIRouter()

_SORTS = ("created", "updated", "pushed", "full_name")


@router.get("/")
async def root(call: Caller) -> Response:
    """GET /: where things are."""
    base = call.shapes.base
    return call.answer(
        {
            "current_user_url": f"{base}/user",
            "current_user_repositories_url": f"{base}/user/repos{{?type,page,per_page,sort}}",
            "organization_url": f"{base}/orgs/{{org}}",
            "repository_url": f"{base}/repos/{{owner}}/{{repo}}",
            "user_url": f"{base}/users/{{user}}",
            "rate_limit_url": f"{base}/rate_limit",
        }
    )


@router.get("/rate_limit")
async def rate_limit(call: Caller) -> Response:
    """GET /rate_limit."""
    rate: Rate = call.request.state.rate
    return call.answer({"resources": {"core": rate.as_dict()}, "rate": rate.as_dict()})


@router.get("/user")
async def myself(call: Caller) -> Response:
    """GET /user."""
    login = call.signed_in()
    return call.answer(call.shapes.user_in_full(login, call.hub.of(login, login)))


@router.get("/user/repos")
async def my_repositories(call: Caller) -> Response:
    """GET /user/repos, by visibility and by affiliation or type."""
    login = call.signed_in()
    asked = call.request.query_params
    visibility = call.choice("visibility", "all", ("all", "public", "private"), resource="Repository")
    affiliations = (asked.get("affiliation") or "owner,collaborator,organization_member").split(",")
    kind = call.choice("type", "all", ("all", "owner", "public", "private", "member"), resource="Repository")
    found = []
    for repository in call.hub.reachable(login):
        own, organisation = repository.owner == login, repository.owner == ORGANISATION
        affiliation = "owner" if own else "organization_member" if organisation else "collaborator"
        wanted = {"owner": own, "member": not own, "private": repository.private, "public": not repository.private}
        fits = wanted.get(kind, True) and wanted.get(visibility, True)
        if fits and affiliation in affiliations:
            found.append(repository)
    return _repositories(call, found, default_sort="full_name")


@router.get("/user/orgs")
async def my_organisations(call: Caller) -> Response:
    """GET /user/orgs."""
    call.signed_in()
    return call.answer([call.shapes.organisation()])


@router.get("/users/{login}")
async def user(call: Caller, login: str) -> Response:
    """GET /users/{username}."""
    found = _login(call, login)
    return call.answer(call.shapes.user_in_full(found, call.hub.of(call.login, found)))


@router.get("/users/{login}/repos")
async def user_repositories(call: Caller, login: str) -> Response:
    """GET /users/{username}/repos: what is public, and to the owner also what is not."""
    return _repositories(call, call.hub.of(call.login, _login(call, login)), default_sort="full_name")


@router.get("/orgs/{organisation}")
async def organisation(call: Caller, organisation: str) -> Response:
    """GET /orgs/{org}."""
    if organisation.lower() != ORGANISATION:
        raise not_found()
    return call.answer(call.shapes.organisation())


@router.get("/orgs/{organisation}/repos")
async def organisation_repositories(call: Caller, organisation: str) -> Response:
    """GET /orgs/{org}/repos."""
    if organisation.lower() != ORGANISATION:
        raise not_found()
    return _repositories(call, call.hub.of(call.login, ORGANISATION), default_sort="created")


@router.get("/repos/{owner}/{name}")
async def repository(call: Caller, owner: str, name: str) -> Response:
    """GET /repos/{owner}/{repo}."""
    return call.answer(call.shapes.repository(call.repository(owner, name)))


@router.get("/repositories/{number}")
async def repository_by_id(call: Caller, number: int) -> Response:
    """GET /repositories/{id}."""
    found = call.hub.by_id(call.login, number)
    if found is None:
        raise not_found()
    return call.answer(call.shapes.repository(found))


def _login(call: GithubCall, login: str) -> str:
    """An account's login as it is spelt, or 404."""
    if login.lower() == ORGANISATION:
        return ORGANISATION
    person = account(call.directory, login)
    if person is None:
        raise not_found()
    call.hub.settle(call.directory, person.login)
    return person.login


def _repositories(call: GithubCall, found: list[GithubRepository], *, default_sort: str) -> Response:
    sort = call.choice("sort", default_sort, _SORTS, resource="Repository")
    direction = call.choice(
        "direction", "asc" if sort == "full_name" else "desc", ("asc", "desc"), resource="Repository"
    )
    if sort != "full_name":
        found = sorted(found, key=lambda r: r.created if sort == "created" else r.updated)
    page, links = call.page(found[::-1] if direction == "desc" else found)
    return call.answer([call.shapes.repository(each) for each in page], headers=links)
