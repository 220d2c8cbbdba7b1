"""With a part paused, stopped or restarted: what is held keeps working, everything else says in time what is down.

The bound is 2 s; here ten times that is allowed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import psycopg
import pytest

from fastmcp_vault.http import async_client
from stack.testing import Stack
from tests.mcp_servers.callers import ERROR, Caller, Vault, database_roles, post, signed_in, until
from tests.support.people import Person

pytestmark = pytest.mark.disturbs

BOUND = 20.0
SERVERS = ("mcp-jira", "mcp-github", "mcp-postgres", "app")
QUERY = ("postgres", "query", {"sql": "SELECT current_user AS me"})
ISSUE = ("jira", "get_issue", {"issue_key": "PROJ-1"})


@pytest.fixture(scope="module")
def both(stack: Stack, _pool: Iterator[Person]) -> tuple[Caller, Caller]:
    """One whose credentials are held, and one who has only signed in; both have their tokens."""

    async def enter() -> tuple[Caller, Caller]:
        warm, cold = [await signed_in(stack, next(_pool)) for _ in range(2)]
        for caller in (warm, cold):
            for server in ("jira", "postgres"):
                await caller.token(server)
        return warm, cold

    return asyncio.run(enter())


@pytest.fixture(autouse=True)
async def _as_found(stack: Stack) -> AsyncIterator[None]:
    """Whoever comes next finds every server serving."""
    yield

    async def all_serve() -> bool:
        async with async_client() as client:
            answers = [await client.get(f"{stack.url(name)}/health") for name in SERVERS]
        return all(answer.status_code == 200 for answer in answers)

    await until(all_serve, within=30)


@contextmanager
def paused(stack: Stack, name: str) -> Iterator[None]:
    """A service that accepts connections and answers nothing."""
    pid = stack.status(name).pid
    assert pid is not None
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    for member in family:
        member.suspend()
    try:
        yield
    finally:
        for member in family:
            member.resume()


async def health(stack: Stack, server: str) -> dict[str, Any]:
    """What a server says of itself and of the parts that it needs."""
    async with async_client() as client:
        return dict((await client.get(f"{stack.url(f'mcp-{server}')}/health")).json())


async def refused_within_bound(caller: Caller, call: tuple[str, str, dict[str, str]], code: str, name: str) -> None:
    began = time.monotonic()
    problem = await caller.refusal(*call)
    assert problem["code"] == code
    assert problem["retryable"]
    assert name in problem["what"]
    assert time.monotonic() - began < BOUND


@pytest.mark.parametrize(
    ("part", "code", "name"),
    [("openbao", "vault_unavailable", "Vault"), ("keycloak", "keycloak_unavailable", "Keycloak")],
)
async def test_what_is_held_outlives_a_pause_and_what_is_not_is_refused_in_time(
    stack: Stack, both: tuple[Caller, Caller], part: str, code: str, name: str
) -> None:
    warm, cold = both
    await warm.data(*ISSUE)
    me = (await warm.data(*QUERY))["rows"]
    with paused(stack, part):
        await warm.data(*ISSUE)
        assert (await warm.data(*QUERY))["rows"] == me
        await refused_within_bound(cold, ISSUE, code, name)
        await refused_within_bound(cold, QUERY, code, name)
        # Nobody waits to hear the same for long, and whoever looks after the server can see it.
        while (seen := await health(stack, "jira"))["parts"][name.lower()]["circuit"] == "closed":
            assert seen["status"] == "ok"
            await refused_within_bound(cold, ISSUE, code, name)
        assert seen["status"] == "degraded"

    async def recovered() -> bool:
        return not (await cold.call(*QUERY)).is_error and not (await cold.call(*ISSUE)).is_error

    await until(recovered)
    assert (await health(stack, "jira"))["parts"][name.lower()] == {"circuit": "closed", "failures": 0}
    forget_lost_logins(stack, cold)
    # Cold again for whoever comes next.
    await cold.sign_out()
    fresh = await signed_in(stack, cold.person)
    cold.tokens = fresh.tokens
    cold.exchanged.clear()
    for server in ("jira", "postgres"):
        await cold.token(server)


def forget_lost_logins(stack: Stack, caller: Caller) -> None:
    """Logins that Vault carried out after the pause and whose answer nobody waited for any more: no server has such a
    token, so none can revoke it, and it would live for its 15 minutes."""
    vault = Vault(stack)
    with psycopg.connect(stack.environment("init")["STATE_DSN"]) as connection:
        held = {row[0] for row in connection.execute("SELECT accessor FROM vault_tokens")}
    for server in ("jira", "postgres"):
        for accessor in set(vault.tokens(caller, server)) - held:
            vault.request("POST", "auth/token/revoke-accessor", {"accessor": accessor})
    vault.close()


@pytest.mark.parametrize(("part", "code"), [("openbao", "vault_unavailable"), ("keycloak", "keycloak_unavailable")])
async def test_a_part_that_is_killed_is_found_again_without_restarting_a_server(
    stack: Stack, both: tuple[Caller, Caller], part: str, code: str
) -> None:
    warm, _ = both
    me = (await warm.data(*QUERY))["rows"]
    servers = {name: stack.status(name).pid for name in SERVERS}
    killed = stack.kill(part)
    # While it is away what is held is used, and nothing but the part itself is to blame for what cannot be done.
    assert (await warm.data(*QUERY))["rows"] == me
    again = await warm.call(*QUERY, fresh=True)
    assert not again.is_error or (again.meta or {})[ERROR]["code"] == code
    stack.wait_ready(part, other_than=killed)

    async def recovered() -> bool:
        return not (await warm.call(*QUERY, fresh=True)).is_error

    await until(recovered, within=30)
    assert {name: stack.status(name).pid for name in SERVERS} == servers


async def test_a_back_end_that_is_paused_is_named(stack: Stack, both: tuple[Caller, Caller]) -> None:
    warm, _ = both
    await warm.data(*ISSUE)
    with paused(stack, "mock"):
        await refused_within_bound(warm, ISSUE, "backend_unavailable", "Jira")
    await warm.data(*ISSUE)


async def test_without_the_shared_state_every_server_refuses_and_comes_back(
    stack: Stack, both: tuple[Caller, Caller]
) -> None:
    warm, _ = both
    token = await warm.token("jira")
    assert (await post(stack, "jira", token)).status_code == 200

    async def refuses() -> bool:
        return (await post(stack, "jira", token)).status_code == 503

    async def serves() -> bool:
        return (await post(stack, "jira", token)).status_code == 200

    with paused(stack, "postgres"):
        await until(refuses, within=30)
    await until(serves, within=30)


async def test_a_server_that_stops_revokes_what_it_holds_and_its_successor_serves(
    stack: Stack, both: tuple[Caller, Caller]
) -> None:
    warm, _ = both
    vault = Vault(stack)
    first = (await warm.data(*QUERY))["rows"][0]["me"]
    assert len(vault.tokens(warm, "postgres")) == 1
    pid = stack.status("mcp-postgres").pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)

    async def gone() -> bool:
        return not vault.tokens(warm, "postgres") and first not in database_roles(stack, warm.person.username)

    await until(gone, within=30)
    stack.wait_ready("mcp-postgres", other_than=pid)
    assert (await warm.data(*QUERY))["rows"][0]["me"] != first
    vault.close()
