"""Who is calling, what they may ask, and GitHub's ways of answering: pages, entity tags, rate limits, errors.

Source: GitHub, "Authenticating to the REST API", "Using pagination in the REST API", "Rate limits for the REST API".
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response

from mock_services.github.hub import Hub
from mock_services.github.model import GithubItem, GithubRepository
from mock_services.github.rate import Rates
from mock_services.github.shapes import GithubShapes
from mock_services.oauth.server import OAuthServer
from mock_services.people import Directory, MockPerson, UsersFile

DOCS = "https://docs.github.com/rest"
API_VERSION = "2022-11-28"


class GitHubError(Exception):
    """An answer other than success, in GitHub's shape."""

    def __init__(self, status: int, message: str, *, errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.body: dict[str, Any] = {"message": message}
        if errors:
            self.body["errors"] = list(errors)
        self.body |= {"documentation_url": DOCS, "status": str(status)}


def not_found() -> GitHubError:
    """What GitHub says of everything that the caller may not know about."""
    return GitHubError(404, "Not Found")


def invalid(resource: str, field: str, code: str, message: str = "") -> GitHubError:
    """422 for one field."""
    error = {"resource": resource, "code": code, "field": field} | ({"message": message} if message else {})
    return GitHubError(422, "Validation Failed", errors=[error])


@dataclass(frozen=True)
class GithubCall:
    """One request: who asks (None: nobody signed in), and the hub as they may see it."""

    request: Request
    hub: Hub
    login: str | None
    directory: Directory
    shapes: GithubShapes

    def signed_in(self) -> str:
        """The caller's login, or 401."""
        if self.login is None:
            raise GitHubError(401, "Requires authentication")
        return self.login

    def repository(self, owner: str, name: str) -> GithubRepository:
        """A repository this caller may see, or 404."""
        self.hub.settle(self.directory, owner)
        found = self.hub.repository(self.login, f"{owner}/{name}")
        if found is None:
            raise not_found()
        return found

    def item(self, owner: str, name: str, number: str) -> tuple[GithubRepository, GithubItem]:
        """An issue or pull request this caller may see, or 404."""
        repository = self.repository(owner, name)
        found = repository.item(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
        if found is None:
            raise not_found()
        return repository, found

    def choice(self, name: str, default: str, allowed: Sequence[str], *, resource: str) -> str:
        """A query parameter out of a fixed list, or 422."""
        value = self.request.query_params.get(name) or default
        if value not in allowed:
            raise invalid(resource, name, "invalid")
        return value

    async def body(self) -> dict[str, Any]:
        """The JSON object of the request, or 400."""
        try:
            value = json.loads(await self.request.body() or b"{}")
        except (ValueError, RecursionError) as error:
            raise GitHubError(400, "Problems parsing JSON") from error
        if not isinstance(value, dict):
            raise GitHubError(400, "Body should be a JSON object")
        return value

    def answer(self, value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """JSON with an entity tag; 304 without a body when the client holds the same already (RFC 9110 §13.1.2)."""
        content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        tag = f'W/"{hashlib.sha256(content).hexdigest()}"'
        more = {"ETag": tag, "Cache-Control": "private, max-age=60, s-maxage=60", **(headers or {})}
        if status == 200 and tag in self.request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=more)
        return Response(content, status_code=status, headers=more, media_type="application/json; charset=utf-8")

    def page(self, values: Sequence[Any]) -> tuple[Sequence[Any], dict[str, str]]:
        """One page of ``values`` and its ``Link`` header. Unusable numbers count as absent, as on GitHub."""
        size = min(self._number("per_page", 30), 100)
        page = self._number("page", 1)
        last = max(1, -(-len(values) // size))
        links = []
        if page > 1:
            links.append(("prev", min(page - 1, last)))
        if page < last:
            links += [("next", page + 1), ("last", last)]
        if page > 1:
            links.append(("first", 1))
        header = ", ".join(f'<{self._page_url(number)}>; rel="{rel}"' for rel, number in links)
        return values[(page - 1) * size : page * size], {"Link": header} if header else {}

    def _number(self, name: str, default: int) -> int:
        given = self.request.query_params.get(name, "")
        return int(given) or default if given.isascii() and given.isdigit() and len(given) < 10 else default

    def _page_url(self, number: int) -> str:
        others = [(name, value) for name, value in self.request.query_params.multi_items() if name != "page"]
        return f"{self.shapes.base}{self.request.url.path}?{urlencode([*others, ('page', number)])}"


def _person(request: Request, directory: Directory, token: str) -> MockPerson | None:
    """Whose token it is: one that the person made, or one that they let a program have."""
    oauth: OAuthServer = request.app.state.oauth
    granted = oauth.person(token)
    return directory.github_person(token) or (directory.by_username.get(granted[0]) if granted else None)


async def _call(request: Request) -> GithubCall:
    users: UsersFile = request.app.state.users
    directory = await users.directory()
    if "user-agent" not in request.headers:
        raise GitHubError(403, "Request forbidden by administrative rules. Please send a User-Agent header.")
    person = None
    if header := request.headers.get("authorization", ""):
        scheme, _, token = header.partition(" ")
        person = _person(request, directory, token.strip()) if scheme.lower() in ("bearer", "token") else None
        if person is None or not person.login:
            raise GitHubError(401, "Bad credentials")
    hub: Hub = request.app.state.hub
    login = person.login if person else None
    if login:
        request.state.caller = login
        hub.settle(directory, login)
    rates: Rates = request.app.state.rates
    request.state.rate = rates.count(login, now=time.time())
    return GithubCall(request, hub, login, directory, GithubShapes(str(request.base_url).rstrip("/"), login, directory))


Caller = Annotated[GithubCall, Depends(_call)]
"""A route with a parameter of this type knows who is calling; :meth:`Call.signed_in` insists on someone."""
