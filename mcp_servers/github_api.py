"""GitHub's REST API, as one person.

https://docs.github.com/en/rest
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

from pydantic import SecretStr

from fastmcp_vault.credentials.calls import current_call
from fastmcp_vault.credentials.connected import ConnectedAccount
from fastmcp_vault.server.context import current_server
from mcp_servers import github_models as shapes
from mcp_servers.accounts import PersonsHeaders, Renewal, renewing
from mcp_servers.github_models import (
    Issue,
    IssueList,
    PullRequestList,
    Repository,
    RepositoryList,
)
from mcp_servers.rest import Rest, segment

NEEDS = ("token",)
"""Fields of a person's GitHub credential."""

API_VERSION = "2022-11-28"
PAGE = 100
LISTED = 500
"""No list is longer than this."""

State = Literal["open", "closed", "all"]
T = TypeVar("T")


class GitHub:
    """GitHub as the person whose token this is; ``renewal`` gives the headers anew for a connected account."""

    def __init__(self, rest: Rest, *, token: SecretStr, renewal: Renewal | None = None) -> None:
        self._rest, self._who = rest, PersonsHeaders(_headers(token), renewal)

    async def repositories(self) -> RepositoryList:
        """Repositories that this person may see (GET /user/repos)."""
        found, more = await self._list("/user/repos", "your repositories", {"sort": "updated"}, shapes.repository)
        return RepositoryList(repositories=found, count=len(found), more=more)

    async def repository(self, owner: str, repo: str) -> Repository:
        """One repository (GET /repos/:owner/:repo)."""
        raw = await self._json("GET", _path(owner, repo), f"repository {owner}/{repo}")
        return self._read(shapes.repository, raw)

    async def issues(self, owner: str, repo: str, *, state: State) -> IssueList:
        """A repository's issues without its pull requests, which GitHub lists with them (GET …/issues)."""
        found, more = await self._list(
            f"{_path(owner, repo)}/issues",
            f"repository {owner}/{repo}",
            {"state": state},
            lambda raw: None if "pull_request" in raw else shapes.issue_summary(raw),
        )
        issues = [one for one in found if one is not None]
        return IssueList(issues=issues, count=len(issues), more=more)

    async def issue(self, owner: str, repo: str, number: int) -> Issue:
        """One issue (GET …/issues/:number)."""
        path = f"{_path(owner, repo)}/issues/{segment(number)}"
        return self._read(shapes.issue, await self._json("GET", path, f"issue {owner}/{repo}#{number}"))

    async def create_issue(self, owner: str, repo: str, *, title: str, body: str) -> Issue:
        """A new issue (POST …/issues)."""
        content = {"title": title, **({"body": body} if body else {})}
        raw = await self._json("POST", f"{_path(owner, repo)}/issues", f"repository {owner}/{repo}", content)
        return self._read(shapes.issue, raw)

    async def pull_requests(self, owner: str, repo: str, *, state: State) -> PullRequestList:
        """A repository's pull requests (GET …/pulls)."""
        path, about = f"{_path(owner, repo)}/pulls", f"repository {owner}/{repo}"
        found, more = await self._list(path, about, {"state": state}, shapes.pull_request)
        return PullRequestList(pull_requests=found, count=len(found), more=more)

    async def _json(self, method: str, path: str, about: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._rest.json(await self._rest.call(method, path, about=about, body=body, **self._who.of_call))

    async def _list(
        self, path: str, about: str, params: Mapping[str, str | int], shape: Callable[[Any], T]
    ) -> tuple[list[T], bool]:
        """Follow ``Link: rel="next"`` (RFC 8288) up to LISTED entries; whether there are more."""
        found: list[T] = []
        following: str | None = path
        query: Mapping[str, str | int] | None = {**params, "per_page": PAGE}
        while following and len(found) < LISTED:
            response = await self._rest.call("GET", following, about=about, params=query, **self._who.of_call)
            page = self._rest.json(response)
            if not isinstance(page, list):
                raise self._rest.garbage()
            found += [self._read(shape, raw) for raw in page]
            # The next page's address holds its own query.
            link, query = response.links.get("next", {}).get("url"), None
            following = self._rest.within(link, response) if link else None
            if link and following is None:
                # It leads to another origin: what was fetched is given, and the rest is said to be missing.
                return found[:LISTED], True
        return found[:LISTED], following is not None or len(found) > LISTED

    def _read(self, shape: Callable[[Any], T], raw: Any) -> T:
        try:
            return shape(raw)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._rest.garbage() from error


def _path(owner: str, repo: str) -> str:
    return f"/repos/{segment(owner)}/{segment(repo)}"


def words(body: Any) -> str:
    """GitHub's own sentences in an error body: ``message``, and ``errors`` where a field is at fault."""
    faults = [
        error if isinstance(error, str) else error.get("message") or f"{error.get('field')}: {error.get('code')}"
        for error in body.get("errors") or []
    ]
    return " ".join([str(body.get("message", "")), *faults])


@asynccontextmanager
async def github_as_caller() -> AsyncIterator[GitHub]:
    """GitHub as the person who is calling."""
    room = current_server()
    async with room.credentials.use(current_call()) as held:
        yield GitHub(room.backend, token=_token(held.credential), renewal=renewing(room, held, _headers))


def _token(credential: Any) -> SecretStr:
    if isinstance(credential, ConnectedAccount):
        return credential.access_token
    stored: SecretStr = credential.fields["token"]
    return stored


def _headers(token: SecretStr) -> Mapping[str, str]:
    return {
        "Authorization": f"Bearer {token.get_secret_value()}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": API_VERSION,
        "User-Agent": "mcp-remote-vault",
    }
