"""Limits count people, not sessions, over all replicas of a server; a refusal says when to try again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import MCPError
from pydantic import SecretStr

from fastmcp_vault.meta import ERROR_KEY, LIMITS_KEY
from fastmcp_vault.server.limits import RATE_LIMITED
from fastmcp_vault.state import Principal, State
from fastmcp_vault.state.protocol import Quota
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, connected, post, until
from tests.mcp_servers.conftest import SignIn
from tests.mcp_servers.serving import replica
from tests.support.people import Person

CALL: tuple[str, dict[str, Any]] = ("credential_status", {})
QUERY: tuple[str, dict[str, Any]] = ("query", {"sql": "SELECT 1"})
SLOW: tuple[str, dict[str, Any]] = ("query", {"sql": "SELECT pg_sleep(1)"})


@asynccontextmanager
async def limited(stack: Stack, caller: Caller, quota: Quota) -> AsyncIterator[None]:
    """An administrator's limit for somebody, taken back at the end."""
    claims, name = caller.claims, caller.person.username
    principal = Principal("person", claims["iss"], claims["sub"])
    async with State(SecretStr(stack.environment("init")["STATE_DSN"])) as administrator:
        await administrator.quotas.override(principal, quota, name=name, by="a test")
        try:
            yield
        finally:
            await administrator.quotas.override(principal, None, name=name)


async def served(call: Callable[[], Awaitable[Any]]) -> bool:
    """Whether a call is admitted."""
    try:
        await call()
    except MCPError:
        return False
    return True


async def turned_away(stack: Stack, token: str) -> httpx2.Response:
    """The answer to a call that the server knows to be one too many before it reads it."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": CALL[0], "arguments": {}}}
    headers = {"Mcp-Method": "tools/call", "Mcp-Name": CALL[0]}
    async with asyncio.timeout(70):
        while True:
            answer = await post(stack, "jira", token, headers=headers, body=body)
            if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
                return answer


async def test_a_person_s_sessions_and_replicas_share_one_limit_and_nobody_else_is_stopped(
    caller: Caller, sign_in: SignIn, new_person: Callable[[], Person], stack: Stack
) -> None:
    another_session, bystander = await sign_in(caller.person), await sign_in(new_person())
    async with (
        replica(stack, "jira") as second,
        connected(stack, "jira", await caller.token("jira")) as here,
        connected(stack, "jira", await another_session.token("jira"), at=second.url) as there,
    ):

        async def limit(client: Any) -> int:
            meta = (await client.call_tool_mcp(*CALL)).meta or {}
            return int(meta[LIMITS_KEY]["person"]["limit"])

        assert await limit(here) == 3000
        async with limited(stack, caller, Quota(40, 0)):

            async def known() -> bool:
                """That takes a moment: what was handed out of the former limit comes back first."""
                try:
                    return await limit(here) == await limit(there) == 40
                except MCPError:
                    return False

            await until(known, within=70)
            done, refusals = 0, list[MCPError]()
            for number in range(100):
                try:
                    await (here, there)[number % 2].call_tool_mcp(*CALL)
                    done += 1
                except MCPError as refused:
                    refusals.append(refused)
            assert done <= 80, "a new minute may have begun, and no more than one"
            # Those that were found so just before end at the door; this one went to the tools.
            refused = next(one for one in refusals if one.code == RATE_LIMITED)
            assert 0 < refused.data["retryAfter"] <= 61
            problem = refused.data[ERROR_KEY]
            assert (problem["code"], problem["retryable"]) == ("rate_limited", True)
            assert problem["what"] == "You made 40 calls within a minute, and may make no more."
            assert not (await bystander.call("jira", *CALL)).is_error
            at_the_door = await turned_away(stack, await caller.token("jira"))
            assert at_the_door.json()["code"] == "rate_limited"
            after = int(at_the_door.headers["Retry-After"])
            assert 0 < after <= 61
            assert at_the_door.headers["RateLimit-Policy"] == '"person";q=40;w=60'
            assert at_the_door.headers["RateLimit"] == f'"person";r=0;t={after}'
            assert (await post(stack, "jira", await caller.token("jira"))).status_code == 200, "listing goes on"
        await until(lambda: served(lambda: here.call_tool_mcp(*CALL)))


async def test_no_more_calls_at_once_than_the_limit_and_then_the_next_one(caller: Caller, stack: Stack) -> None:
    token = await caller.token("postgres")
    async with (
        limited(stack, caller, Quota(0, 1)),
        connected(stack, "postgres", token) as one,
        connected(stack, "postgres", token) as two,
    ):

        async def refused() -> bool:
            both = (one.call_tool_mcp(*SLOW), two.call_tool_mcp(*SLOW))
            answers = await asyncio.gather(*both, return_exceptions=True)
            return [type(answer) for answer in answers].count(MCPError) == 1

        await until(refused)
        await until(lambda: served(lambda: two.call_tool_mcp(*QUERY)))
