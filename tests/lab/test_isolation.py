"""The isolation grid at the real stack: own things open, others' do not, and a door that does is reported as a leak."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.asgi import opened
from app.lab.actors import Actor
from app.lab.isolation import THINGS, Cell, grid
from app.lab.rows import my_row, names, usable, whole_grid
from app.lab.sheet import kept, row_sheet, summary, whole_sheet
from app.process import AppProcess
from app.room import NotFacilitator
from app.settings import AppSettings
from fastmcp_vault.oidc.tokens import Claims
from stack.testing import Stack
from tests.lab.shooting import everywhere
from tests.mcp_servers.callers import database_roles, signed_in
from tests.mcp_servers.serving import served
from tests.support.eventually import eventually
from tests.support.people import Person

SERVERS = ("jira", "github", "postgres")


@pytest.fixture
async def process(stack: Stack) -> AsyncIterator[AppProcess]:
    """The app's parts in this process, on the stack's servers."""
    settings = AppSettings(**{name.lower(): value for name, value in stack.environment("app").items()})
    async with opened(settings) as running:
        yield running


@pytest.fixture
async def enter(process: AppProcess, stack: Stack) -> AsyncIterator[Callable[[Person], Any]]:
    """Signs somebody in; their cookie. The sessions end with the test."""
    cookies = []

    async def sign_in(person: Person) -> str:
        caller = await signed_in(stack, person)
        claims = Claims.model_validate(caller.claims)
        cookies.append(await process.sessions.begin(caller.tokens, claims, None))
        return cookies[-1]

    yield sign_in
    for cookie in cookies:
        session = await process.sessions.end(cookie)
        if session and session.tokens.refresh_token:
            await process.keycloak.end_session(session.tokens.refresh_token)


def by_state(cells: dict[str, Cell]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, cell in cells.items():
        found.setdefault(cell.state, set()).add(name)
    return found


async def test_my_own_open_what_i_lack_is_empty_and_nothing_of_anybody_else_opens(
    process: AppProcess, enter: Callable[[Person], Any], bob: Person, stack: Stack
) -> None:
    cookie = await enter(bob)
    owners = ["bob", "alice", "charlie", "nobody-at-all"]
    before = set(database_roles(stack, "bob"))
    cells = kept([cell async for cell in my_row(process, cookie, owners)])
    assert len(cells) == len(owners) * len(THINGS)
    found = by_state(cells)
    assert found["own"] == {f"bob:bob:{kind}-{name}" for kind in ("path", "tool") for name in ("github", "postgres")}
    accounts = {"bob:bob:account-jira", "bob:bob:account-github"}
    assert found["absent"] == {"bob:bob:path-jira", "bob:bob:tool-jira"} | accounts
    assert found["refused"] == {f"bob:{owner}:{thing.id}" for owner in owners[1:] for thing in THINGS}
    assert summary(cells)[0] == "good"
    shut = cells["bob:alice:path-jira"]
    assert (shut.status, shut.said) == (403, "1 error occurred: * permission denied")
    assert shut.exchange is not None
    assert shut.exchange.url.endswith("/v1/secret/data/users/alice/jira")
    assert shut.exchange.request_headers["X-Correlation-Id"] == shut.correlation_id
    told = cells["bob:alice:tool-github"]
    assert told.acted_as == "bob"
    assert told.exchange is not None
    assert told.exchange.request_headers["X-Forwarded-User"] == "alice"
    assert '"username": "alice"' in told.exchange.request_body
    assert len(set(database_roles(stack, "bob")) - before) <= 1, "of the new ones only the MCP server's lives on"
    shown = repr([cell.exchange for cell in cells.values()])
    assert bob.entitlements["github"]["token"] not in shown


async def test_the_whole_grid_is_the_facilitators_and_its_sign_ins_end_with_it(
    process: AppProcess,
    enter: Callable[[Person], Any],
    everybody: dict[str, Person],
    new_person: Callable[[], Person],
    stack: Stack,
) -> None:
    one, other = new_person().username, new_person().username
    mine = await enter(everybody[one])
    with pytest.raises(NotFacilitator):
        async with aclosing(whole_grid(process, mine, [one, other])) as refused:
            await anext(refused)
    cookie = await enter(everybody["charlie"])
    made: set[str] = set()
    cells = {}
    async for cell in whole_grid(process, cookie, [one, other, "no-such-person"]):
        cells |= kept([cell])
        made |= set(database_roles(stack, one))
    assert made
    assert len(cells) == 2 * 2 * len(THINGS)
    assert Counter(cell.state for cell in cells.values()) == {"own": 12, "absent": 4, "refused": 16}
    assert not [cell for cell in cells.values() if cell.state == "own" and cell.actor != cell.owner]
    await eventually(lambda: not made & set(database_roles(stack, one)))
    sheet = whole_sheet([one, other], cells, f"{one}:{other}")
    diagonal = [row["cells"][n]["state"] for n, row in enumerate(sheet["rows"])]
    assert diagonal == ["own", "own"]
    assert sheet["rows"][0]["cells"][1]["count"] == "8/8"
    assert [detail["state"] for detail in sheet["detail"]] == ["refused"] * 8


async def answers(request: Request) -> Response:
    """Servers that believe whatever a caller says of themselves."""
    if request.url.path == "/mcp":
        who = request.headers["X-Forwarded-User"]
        told = {"username": who, "entity": who, "vault_path": f"secret/data/users/{who}/jira", "present": True}
        return JSONResponse({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "structuredContent": told}})
    if request.url.path.endswith("/jira"):
        return JSONResponse({"errors": []}, 404)
    return JSONResponse({"data": {"data": {}}})


async def down(_: Request) -> Response:
    """Servers that answer nobody."""
    return JSONResponse({"errors": ["sealed"]}, 503)


async def test_whatever_opens_to_somebody_else_is_a_leak_and_a_server_that_is_down_proves_nothing(stack: Stack) -> None:
    fake = Actor("alice", "alice", SecretStr("v"), dict.fromkeys(SERVERS, SecretStr("t")))
    every = ["GET", "POST"]
    async with served(Starlette(routes=[Route("/{path:path}", answers, methods=every)])) as address:
        cells = kept([cell async for cell in grid(everywhere(address, stack), [fake], ["alice", "bob"])])
    found = by_state(cells)
    assert found["leak"] == {f"alice:bob:{thing.id}" for thing in THINGS}, "a 404 got past the policy too"
    kind, text = summary(cells)
    assert kind == "bad"
    assert "alice → secret/data/users/bob/github" in text
    async with served(Starlette(routes=[Route("/{path:path}", down, methods=every)])) as address:
        silent = kept([cell async for cell in grid(everywhere(address, stack), [fake], ["alice", "bob"])])
    assert {cell.state for cell in silent.values()} == {"unclear"}
    assert summary(silent)[0] == "unclear"


def test_a_sheet_has_every_owner_once_and_says_each_cell_in_words() -> None:
    cell = Cell("bob", "alice", THINGS[0], "refused", 403, "permission denied", "", "c0ffee", None)
    sheet = row_sheet("bob", ["bob", "alice"], kept([cell]), "bob:alice:path-jira")
    assert [(row["label"], row["me"]) for row in sheet["rows"]] == [("bob", True), ("alice", False)]
    words = [one["label"] for row in sheet["rows"] for one in row["cells"]]
    assert len(set(words)) == 2 * len(THINGS)
    assert "bob → alice, Jira path, somebody else's, shut" in words
    (proof,) = sheet["detail"]
    assert proof["answer"] == "HTTP 403 · permission denied"
    assert not row_sheet("bob", ["bob"], kept([cell]), "")["detail"]


def test_only_names_that_may_stand_in_a_path_are_tried() -> None:
    assert usable("alice, bob bob ../root Alice a/b x%2f") == ["alice", "bob"]


async def test_everybody_of_the_demo_is_tried_and_outside_it_oneself_alone(process: AppProcess) -> None:
    assert names(process, "bob")[:3] == ["bob", "alice", "charlie"]
    outside = replace(process, settings=process.settings.model_copy(update={"lab_users_file": None}))
    assert names(outside, "bob") == ["bob"]
