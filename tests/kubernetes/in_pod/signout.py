"""Runs in a pod of the app, by ``kubectl exec … python - PERSON SERVER=HOST:PORT …``: a sign-out, heard by all.

Signs PERSON in at Keycloak's page and gets a token for each server, as the app does; calls every replica (all must
serve), signs out as the app does, and calls each until it refuses. Prints the seconds for each, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

os.environ |= dict(one.split("=", 1) for one in Path("/proc/1/environ").read_text().split("\0") if "=" in one)

import httpx2

from app.asgi import opened
from app.lab.arms import armed
from app.lab.people import everybody
from app.lab.place import between
from app.process import AppProcess
from app.settings import AppSettings
from common.settings import load
from fastmcp_vault.http import async_client
from fastmcp_vault.oidc.tokens import TokenSet, unverified_claims

LONGEST = 20.0
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "credential_status", "arguments": {}}}


async def status(http: httpx2.AsyncClient, server: str, address: str, token: str) -> int:
    """A replica's answer to ``credential_status``; the header Host is the Service's, as a caller sends it."""
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-06-18",
        "Authorization": f"Bearer {token}",
        "Host": f"mcp-{server}:{address.rpartition(':')[2]}",
    }
    return (await http.post(f"http://{address}/mcp", headers=headers, json=CALL)).status_code


async def heard(http: httpx2.AsyncClient, server: str, address: str, token: str, since: float) -> float:
    """Seconds until this replica refuses the token."""
    while await status(http, server, address, token) != 401:
        if time.monotonic() - since > LONGEST:
            sys.exit(f"mcp-{server} at {address} serves {LONGEST:.0f} s after the sign-out.")
        await asyncio.sleep(0.02)
    return time.monotonic() - since


async def sign_out(process: AppProcess, tokens: TokenSet) -> None:
    """As app/routes does."""
    claims = unverified_claims(tokens.access_token)
    assert tokens.refresh_token is not None
    await process.keycloak.end_session(tokens.refresh_token)
    await process.state.end_session(str(claims["sid"]), str(claims["sub"]))


async def main(person: str, *replicas: str) -> dict[str, float]:
    """By replica."""
    places = [one.split("=", 1) for one in replicas]
    async with opened(load(AppSettings)) as process, AppProcess.running(process), async_client() as http:
        people = everybody(process.settings)
        async with armed(between(process, people[person], people["bob"])) as arms:
            tokens = await arms.another_login()
            servers = sorted({server for server, _ in places})
            got = {
                server: await process.keycloak.exchange(
                    tokens.access_token, audience=f"mcp-{server}", scope=f"mcp:{server}"
                )
                for server in servers
            }
            bearer = {server: one.access_token.get_secret_value() for server, one in got.items()}
            before = await asyncio.gather(*(status(http, name, at, bearer[name]) for name, at in places))
            if set(before) != {200}:
                sys.exit(f"Before the sign-out the replicas answered {before}.")
            began = time.monotonic()
            await sign_out(process, tokens)
            took = await asyncio.gather(*(heard(http, name, at, bearer[name], began) for name, at in places))
    return {one: round(seconds, 2) for one, seconds in zip(replicas, took, strict=True)}


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
