"""Links to Jira's pages lead to the site that people open, also when the API is behind a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_servers import jira_api
from mcp_servers.jira_api import Jira
from mcp_servers.rest import Rest
from mcp_servers.settings import JiraSettings
from tests.mcp_servers.serving import served

GATEWAY = "/ex/jira/11223344-a1b2-3b33-c444-def123456789"
SITE = "https://team.example.net"


@dataclass
class Api:
    """Jira behind a gateway; ``info`` is what serverInfo answers."""

    info: Any = field(default_factory=lambda: {"baseUrl": f"{SITE}/"})
    status: int = 200
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        issue = {"key": "PROJ-1", "id": "1", "fields": {"summary": "x", "status": {"name": "To Do"}}}
        if request.url.path.endswith("/serverInfo"):
            return JSONResponse(self.info, self.status)
        if request.url.path.endswith("/search/jql"):
            return JSONResponse({"issues": [issue], "isLast": True})
        return JSONResponse(issue)


@pytest.fixture
async def api() -> AsyncIterator[tuple[Api, str]]:
    behaviour = Api()
    async with served(Starlette(routes=[Route("/{p:path}", behaviour.answer, methods=["GET", "POST"])])) as address:
        yield behaviour, address


async def links(address: str, *, site: str = "") -> list[str]:
    """The links of one issue, a search, and a new issue."""
    rest = Rest(address, server="jira", name="Jira", timeout=2, words=jira_api.words, site_url=site)
    jira = Jira.by_token(rest, email="alice@example.com", api_token=SecretStr("t"))
    found = [(await jira.issue("PROJ-1")).url]
    found += [one.url for one in (await jira.search("project = PROJ", limit=5)).issues]
    found.append((await jira.create(project="PROJ", summary="x", issue_type="Task", description="")).url)
    await rest.close()
    return found


async def test_behind_a_gateway_jira_is_asked_for_its_own_address_once(api: tuple[Api, str]) -> None:
    behaviour, address = api
    assert await links(f"{address}{GATEWAY}") == [f"{SITE}/browse/PROJ-1"] * 3
    assert [path for path in behaviour.asked if path.endswith("/serverInfo")] == [f"{GATEWAY}/rest/api/3/serverInfo"]


async def test_a_setting_comes_before_what_jira_says_and_nothing_is_asked(api: tuple[Api, str]) -> None:
    behaviour, address = api
    assert (
        await links(f"{address}{GATEWAY}", site="https://jira.company.example/")
        == ["https://jira.company.example/browse/PROJ-1"] * 3
    )
    assert not any(path.endswith("/serverInfo") for path in behaviour.asked)


@pytest.mark.parametrize(
    ("info", "status"), [({}, 200), ([], 200), ({"baseUrl": None}, 200), ({"baseUrl": "javascript:x"}, 200), ({}, 403)]
)
async def test_no_link_is_better_than_one_to_the_gateway(api: tuple[Api, str], info: Any, status: int) -> None:
    api[0].info, api[0].status = info, status
    assert await links(f"{api[1]}{GATEWAY}") == ["", "", ""]


@pytest.mark.parametrize("path", ["", "/jira"])
async def test_an_address_that_is_the_site_s_own_is_used_as_it_is(api: tuple[Api, str], path: str) -> None:
    behaviour, address = api
    assert await links(f"{address}{path}") == [f"{address}{path}/browse/PROJ-1"] * 3
    assert not any(found.endswith("/serverInfo") for found in behaviour.asked)


def test_the_setting_must_be_an_address() -> None:
    assert JiraSettings(jira_site_url=SITE).jira_site_url == SITE
    with pytest.raises(ValidationError):
        JiraSettings(jira_site_url="team.example.net")
