"""A crowd at the MCP servers: many people calling all three at once, some leaving meanwhile, every answer checked."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2

from fastmcp_vault.errors import Problem
from tests.mcp_servers.callers import ERROR, Caller, app_client, signed_in

SERVERS = ("jira", "github", "postgres")

BUSY = {"busy", "vault_unavailable", "keycloak_unavailable", "backend_unavailable"}
"""What a slow machine may answer now and then; each is to be tried again."""

T = TypeVar("T")

Owner = Callable[[Mapping[str, Any]], str]

CALLS: dict[str, tuple[str, dict[str, Any], Owner]] = {
    "jira": ("list_issues", {"jql": "reporter = currentUser()"}, lambda found: str(found["issues"][0]["summary"])),
    "github": (
        "list_repos",
        {},
        lambda found: next(
            r["full_name"].partition("/")[0] for r in found["repositories"] if r["full_name"].endswith("/notes")
        ),
    ),
    "postgres": (
        "query",
        {"sql": "SELECT current_user AS me"},
        lambda found: str(found["rows"][0]["me"]).split("-")[1],
    ),
}
"""Per server: a call whose answer says whose credential the back end saw, and where it says so."""


async def patiently(act: Callable[[], Awaitable[T]], *, within: float = 60.0) -> T:
    """``act``'s result; done again while this crowded machine keeps it from answering in time."""
    async with asyncio.timeout(within):
        while True:
            try:
                return await act()
            except Problem as problem:
                if not problem.retryable:
                    raise
            await asyncio.sleep(0.2)


@dataclass
class Member:
    """One person in the crowd: who signs out and in again is another ``visit``."""

    caller: Caller
    visit: int = 0
    leaving: bool = False
    over: set[int] = field(default_factory=set)
    """Visits that have ended and whose tokens have been refused since: no call that begins now may succeed."""
    tokens: dict[str, str] = field(default_factory=dict)
    here: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.caller.person.username

    async def arrive(self) -> None:
        """Get a token for each server, and begin a visit with them."""
        fresh = {}
        async with app_client(self.caller.stack) as keycloak:
            for server in SERVERS:
                scope = f"mcp:{server} mcp:{server}:write"
                got = await keycloak.exchange(self.caller.tokens.access_token, audience=f"mcp-{server}", scope=scope)
                fresh[server] = got.access_token.get_secret_value()
        self.tokens, self.visit, self.leaving = fresh, self.visit + 1, False
        self.here.set()

    async def leave_and_return(self, crowd: Crowd) -> None:
        """Sign out, see every server refuse, and sign in again."""
        old = dict(self.tokens)
        self.leaving = True
        self.here.clear()
        await patiently(self.caller.sign_out)
        for server, token in old.items():
            async with asyncio.timeout(20):
                while (await crowd.send(self, server, token)).status_code != 401:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        self.over.add(self.visit)
        self.caller.tokens = (await patiently(lambda: signed_in(self.caller.stack, self.caller.person))).tokens
        await patiently(self.arrive)


class Crowd:
    """Everybody's calls and what came of them; an AssertionError for the first answer that is not the caller's own."""

    def __init__(self, members: list[Member], client: httpx2.AsyncClient, rng: random.Random) -> None:
        self.members, self._client, self._rng = members, client, rng
        self.outcomes: Counter[str] = Counter()

    async def rush(self, *, rounds: int, leavers: int) -> None:
        """Each member calls each server ``rounds`` times, all at once, while ``leavers`` of them come and go."""
        leaving = self._rng.sample(self.members, leavers)
        async with asyncio.TaskGroup() as group:
            for member in self.members:
                for server in SERVERS:
                    group.create_task(self._calls(member, server, rounds))
            for member in leaving:
                group.create_task(member.leave_and_return(self))

    async def _calls(self, member: Member, server: str, rounds: int) -> None:
        for _ in range(rounds):
            await asyncio.sleep(self._rng.random() / 5)
            async with asyncio.timeout(120):
                while (outcome := await self._call(member, server)) in BUSY:
                    self.outcomes[outcome] += 1
                    await asyncio.sleep(0.5 + self._rng.random())
            self.outcomes[outcome] += 1

    async def _call(self, member: Member, server: str) -> str:
        """What came of one call: "own", "refused", or the code of the problem."""
        tool, arguments, owner = CALLS[server]
        visit, over = member.visit, member.visit in member.over
        token = member.tokens[server]
        answer = await self.send(member, server, token, tool=tool, arguments=arguments)
        if answer.status_code == 401:
            assert member.leaving or visit != member.visit, f"{member.name} was sent away from {server}"
            await member.here.wait()
            return "refused"
        assert answer.status_code in (200, 503), answer.text
        if answer.status_code == 503:
            return "busy"
        result = answer.json()["result"]
        if result.get("isError"):
            return str(result["_meta"][ERROR]["code"])
        assert not over, f"{member.name} was served by {server} after the session had ended"
        assert owner(result["structuredContent"]) == member.name
        assert json.dumps(result).count("tester") == json.dumps(result).count(member.name)
        return "own"

    async def send(
        self,
        member: Member,
        server: str,
        token: str,
        *,
        tool: str = "credential_status",
        arguments: Mapping[str, Any] | None = None,
    ) -> httpx2.Response:
        """One tool call by plain HTTP, as a client of 2025-06-18 sends it."""
        return await self._client.post(
            f"{member.caller.stack.url(f'mcp-{server}')}/mcp",
            headers={
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": "2025-06-18",
                "Authorization": f"Bearer {token}",
            },
            json={
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": tool, "arguments": dict(arguments or {})},
            },
        )
