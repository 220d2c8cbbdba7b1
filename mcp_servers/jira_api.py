"""Jira Cloud's REST API v3, as one person.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from fastmcp_vault.circuit import Circuit
from fastmcp_vault.credentials.calls import current_call
from fastmcp_vault.credentials.connected import ConnectedAccount
from fastmcp_vault.credentials.grant import HeldCredential
from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.server.context import ServerContext, current_server
from mcp_servers import jira_models as shapes
from mcp_servers.accounts import PersonsHeaders, Renewal, renewing, require
from mcp_servers.adf import document
from mcp_servers.jira_models import (
    AddedComment,
    CreatedIssue,
    Issue,
    IssueList,
    Project,
    ProjectList,
    TransitionedIssue,
)
from mcp_servers.rest import Rest, segment

PAGE = 100
PROJECTS = 500
PAGES = 20
"""No list is followed further than this many pages."""


_GATEWAY = re.compile(r"/ex/jira/[^/]+", re.IGNORECASE)


WRITE = "write:jira-work"
"""What a connected account must be connected for, to change anything."""


class JiraBackEnd:
    """Jira at its own address, for API tokens, and behind Atlassian's gateway, for connected accounts."""

    def __init__(self, site: Rest, gateway: Rest | None = None) -> None:
        self.site, self.gateway = site, gateway

    @property
    def circuit(self) -> Circuit:
        """Of the one that is down, if one is."""
        down = self.gateway is not None and self.gateway.circuit.state != "closed"
        return self.gateway.circuit if down and self.gateway else self.site.circuit

    async def close(self) -> None:
        """Close the connections."""
        for rest in filter(None, (self.site, self.gateway)):
            await rest.close()


class Jira:
    """Jira as one person, whose credential is in ``headers``.

    ``below``: where its API begins, at a gateway. ``account``: the connected account that it is, if it is one, and
    ``renewal`` gives its headers anew. ``site``: where people see it.
    """

    def __init__(
        self,
        rest: Rest,
        *,
        headers: Mapping[str, str],
        below: str = "",
        account: ConnectedAccount | None = None,
        renewal: Renewal | None = None,
    ) -> None:
        self._rest, self._who, self._below, self._account = rest, PersonsHeaders(headers, renewal), below, account

    @classmethod
    def by_token(cls, rest: Rest, *, email: str, api_token: SecretStr) -> Jira:
        """As the person whose email address and API token these are."""
        return cls(rest, headers=_basic(email, api_token))

    async def issue(self, key: str) -> Issue:
        """One issue (GET issue/:key)."""
        raw = await self._get(f"issue/{segment(key)}", f"issue {key}", {"fields": shapes.ISSUE_FIELDS})
        site = await self._site()
        with self._reading():
            return shapes.issue(raw, site)

    async def search(self, jql: str, *, limit: int) -> IssueList:
        """Issues by JQL (GET search/jql, page by page with ``nextPageToken``)."""
        found: list[Any] = []
        token: str | None = None
        for _ in range(PAGES):
            params: dict[str, str | int] = {
                "jql": jql,
                "fields": shapes.SUMMARY_FIELDS,
                "maxResults": min(limit + 1 - len(found), PAGE),
            }
            if token:
                params["nextPageToken"] = token
            page = await self._get("search/jql", "this search", params)
            with self._reading():
                found += page["issues"]
                token = page.get("nextPageToken")
            if not token or len(found) > limit:
                break
        site = await self._site()
        with self._reading():
            issues = [shapes.issue_summary(raw, site) for raw in found[:limit]]
        return IssueList(issues=issues, count=len(issues), more=len(found) > limit or bool(token))

    async def projects(self) -> ProjectList:
        """Projects that this person may see (GET project/search)."""
        found: list[Project] = []
        last = False
        while not last and len(found) < PROJECTS:
            params: dict[str, str | int] = {"startAt": len(found), "maxResults": PAGE, "expand": "lead,description"}
            page = await self._get("project/search", "your projects", params)
            with self._reading():
                values = [shapes.project(raw) for raw in page["values"]]
                last = bool(page.get("isLast", True)) or not values
            found += values
        return ProjectList(projects=found, count=len(found), more=not last)

    async def create(self, *, project: str, summary: str, issue_type: str, description: str) -> CreatedIssue:
        """A new issue (POST issue)."""
        fields: dict[str, Any] = {"project": {"key": project}, "summary": summary, "issuetype": {"name": issue_type}}
        if description:
            fields["description"] = document(description)
        raw = await self._post("issue", f"project {project}", {"fields": fields})
        site = await self._site()
        with self._reading():
            return CreatedIssue(key=raw["key"], url=shapes.browse(site, raw["key"]), summary=summary)

    async def comment(self, key: str, body: str) -> AddedComment:
        """A new comment (POST issue/:key/comment)."""
        raw = await self._post(f"issue/{segment(key)}/comment", f"issue {key}", {"body": document(body)})
        with self._reading():
            made = shapes.comment(raw)
            return AddedComment(issue_key=key, id=str(raw["id"]), author=made.author, created=made.created)

    async def transition(self, key: str, wanted: str) -> TransitionedIssue:
        """Move an issue by a transition's name, its target status or its id (GET, POST issue/:key/transitions)."""
        path = f"issue/{segment(key)}/transitions"
        raw = await self._get(path, f"issue {key}")
        with self._reading():
            possible = [(str(t["id"]), str(t["name"]), str(t["to"]["name"])) for t in raw["transitions"]]
        name = wanted.strip().casefold()
        chosen = next((t for t in possible if name in (t[0], t[1].casefold(), t[2].casefold())), None)
        if chosen is None:
            names = ", ".join(f"“{t[1]}”" for t in possible) or "none"
            raise InputError(
                Sentence(
                    "{key} has no transition “{wanted}” now. Possible: {names}.", key=key, wanted=wanted, names=names
                ),
                fix="Use one of these.",
            )
        await self._send("POST", path, f"issue {key}", body={"transition": {"id": chosen[0]}})
        return TransitionedIssue(issue_key=key, transition=chosen[1], status=chosen[2])

    async def _site(self) -> str:
        """Where people see this Jira, without a slash at the end; "" when a gateway's API does not tell.

        A gateway's address (``https://api.atlassian.com/ex/jira/<id>``) shows no pages, so Jira is asked once for its
        own (GET serverInfo).
        """
        rest = self._rest
        if self._account is not None and self._account.account.site:
            return self._account.account.site
        if not rest.site_url and not _GATEWAY.search(urlsplit(rest.base_url).path):
            rest.site_url = rest.base_url
        if not rest.site_url:
            try:
                told = str((await self._get("serverInfo", "its own address"))["baseUrl"])
            except (Problem, KeyError, TypeError):
                return ""
            if urlsplit(told).scheme in ("http", "https"):
                rest.site_url = told.rstrip("/")
        return rest.site_url

    async def _get(self, path: str, about: str, params: Mapping[str, str | int] | None = None) -> Any:
        return self._rest.json(await self._send("GET", path, about, params=params))

    async def _post(self, path: str, about: str, body: Mapping[str, Any]) -> Any:
        return self._rest.json(await self._send("POST", path, about, body=body))

    async def _send(self, method: str, path: str, about: str, **more: Any) -> httpx2.Response:
        url = f"{self._below}/rest/api/3/{path}"
        return await self._rest.call(method, url, about=about, **more, **self._who.of_call)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """An answer without the fields that Jira's has is not Jira's."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._rest.garbage() from error


def words(body: Any) -> str:
    """Jira's own sentences in an error body: ``errorMessages``, and ``errors`` by field."""
    fields = body.get("errors") or {}
    return " ".join([*body.get("errorMessages", []), *(f"{name}: {text}" for name, text in fields.items())])


@asynccontextmanager
async def jira_as_caller() -> AsyncIterator[Jira]:
    """Jira as the person who is calling."""
    room = current_server()
    async with room.credentials.use(current_call()) as held:
        yield _jira(room, held)


def _jira(room: ServerContext, held: HeldCredential[Any]) -> Jira:
    backend: JiraBackEnd = room.backend
    credential = held.credential
    if not isinstance(credential, ConnectedAccount):
        fields = credential.fields
        return Jira.by_token(backend.site, email=fields["email"].get_secret_value(), api_token=fields["api_token"])
    if current_call().writes:
        require(room, held, WRITE)
    assert backend.gateway is not None
    return Jira(
        backend.gateway,
        headers=_bearer(credential.access_token),
        below=f"/ex/jira/{segment(credential.account.resource)}",
        account=credential,
        renewal=renewing(room, held, _bearer),
    )


def _basic(email: str, api_token: SecretStr) -> Mapping[str, str]:
    basic = base64.b64encode(f"{email}:{api_token.get_secret_value()}".encode()).decode("ascii")
    return {"Authorization": f"Basic {basic}", "Accept": "application/json"}


def _bearer(access_token: SecretStr) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {access_token.get_secret_value()}", "Accept": "application/json"}
