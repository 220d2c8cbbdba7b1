"""``python -m tests.kubernetes.load PEOPLE STOP``: many people's calls, until the file STOP is there.

Each person signs in (the lab's direct grant; its secret comes by standard input) and calls ``credential_status`` and
``get_issue`` at Jira and ``query`` at PostgreSQL, again and again. A call that fails is tried once more, on a new
connection. Prints a JSON object a line: ``{"ready": PEOPLE}``, each call that both tries lost or that named somebody
else, and at the end what was called and every session's id.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from docs.plain_client import VERSION
from fastmcp_vault.http import async_client
from fastmcp_vault.oidc.tokens import unverified_claims

TOKEN_URL = "http://localhost:8080/realms/mcp-demo/protocol/openid-connect/token"
PORTS = {"jira": 3001, "postgres": 3003}
RATE = 10.0
"""Calls a second of all together: on two cores everything else runs, too."""

ROUND = 4
RETRY_SECONDS = 1.0
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1.0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass
class Calls:
    """What was called, and what became of it."""

    calls: int = 0
    second_tries: int = 0
    lost: int = 0
    crossed: int = 0
    slowest: float = 0.0
    sessions: list[tuple[str, str]] = field(default_factory=list)


class Caller:
    """Somebody with a session for each of the two servers, kept by its refresh token."""

    def __init__(self, name: str, secret: str, calls: Calls) -> None:
        self.name, self._secret, self._calls = name, secret, calls
        self._tokens: dict[str, dict[str, Any]] = {}
        self._until: dict[str, float] = {}

    async def token(self, server: str) -> str:
        """One that is good for a while yet. Raises httpx2.HTTPError."""
        if time.monotonic() > self._until.get(server, 0.0):
            form = {"client_id": f"lab-{server}", "client_secret": self._secret}
            if known := self._tokens.get(server):
                form |= {"grant_type": "refresh_token", "refresh_token": known["refresh_token"]}
            else:
                form |= {"grant_type": "password", "username": self.name, "password": f"{self.name}-password"}
            async with async_client() as http:
                answer = (await http.post(TOKEN_URL, data=form, timeout=60)).raise_for_status()
            self._tokens[server] = answer.json()
            self._until[server] = time.monotonic() + 0.6 * self._tokens[server]["expires_in"]
            if not known:
                claims = unverified_claims(SecretStr(self._tokens[server]["access_token"]))
                self._calls.sessions.append((str(claims["sid"]), str(claims["sub"])))
        return str(self._tokens[server]["access_token"])

    async def call(self, server: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """A tool's structured result, on a connection of its own. Raises HTTPError, RuntimeError."""
        params = {"name": tool, "arguments": arguments, "_meta": META}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION}
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool, "Authorization": f"Bearer {await self.token(server)}"}
        async with async_client() as http:
            answer = await http.post(f"http://localhost:{PORTS[server]}/mcp", json=message, headers=headers, timeout=30)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()["result"]
        if result.get("isError"):
            raise RuntimeError(result["content"][0]["text"])
        return dict(result["structuredContent"])

    async def twice(self, server: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, of the second try if the first fails; None when both do."""
        self._calls.calls += 1
        began = time.monotonic()
        for again in (False, True):
            try:
                answer = await self.call(server, tool, arguments)
            except (httpx2.HTTPError, RuntimeError, KeyError) as error:
                if again:
                    self._calls.lost += 1
                    told(lost=f"{server} {tool}", why=f"{type(error).__name__}: {error}"[:160])
                else:
                    self._calls.second_tries += 1
                    told(again=f"{server} {tool}", why=f"{type(error).__name__}: {error}"[:160])
                    await asyncio.sleep(RETRY_SECONDS)
            else:
                self._calls.slowest = max(self._calls.slowest, time.monotonic() - began)
                return answer
        return None

    async def round(self) -> None:
        """ROUND calls; each answer must be this person's."""
        for server in PORTS:
            status = await self.twice(server, "credential_status", {})
            if status and status["username"] != self.name:
                self._calls.crossed += 1
                told(crossed=f"{self.name} was answered as {status['username']}")
        await self.twice("jira", "get_issue", {"issue_key": "PROJ-1"})
        rows = await self.twice("postgres", "query", {"sql": "SELECT current_user AS me"})
        if rows and f"-{self.name}-" not in json.dumps(rows):
            self._calls.crossed += 1
            told(crossed=f"{self.name}: {json.dumps(rows)[:120]}")


def told(**what: object) -> None:
    """One line for whoever started this."""
    print(json.dumps(what | {"at": time.time()}), flush=True)


async def main(people: int, stop: Path, secret: str) -> Calls:
    """Until ``stop`` is there."""
    calls, signing_in = Calls(), asyncio.Semaphore(2)
    everybody = [Caller(f"tester{number:03d}", secret, calls) for number in range(people)]

    async def arrive(one: Caller) -> None:
        async with signing_in:
            await one.round()

    await asyncio.gather(*map(arrive, everybody))
    told(ready=people)

    async def stay(one: Caller) -> None:
        while not stop.exists():  # noqa: ASYNC240 - a local file, between calls
            await asyncio.sleep(random.uniform(0.5, 1.5) * ROUND * people / RATE)
            await one.round()

    await asyncio.gather(*map(stay, everybody))
    return calls


if __name__ == "__main__":
    told(**asdict(asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.stdin.read().strip()))))
