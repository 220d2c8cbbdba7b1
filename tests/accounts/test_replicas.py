"""Three processes of the Jira server, and one person's connection: refreshed once, and missed by all at its end."""

from __future__ import annotations

import asyncio
import json
import time

from app import connections
from stack.testing import Stack
from tests.accounts.at_the_app import Browser
from tests.accounts.at_the_provider import api, nearly_over, stored
from tests.app.serving import cookie_of, process_of
from tests.mcp_servers.callers import Caller, Vault, signed_in, until
from tests.mcp_servers.serving import replica

CALLERS = 102
SESSIONS = 3
"""Sign-ins of the one person: each has a credential of its own at each server."""

STATUS = "credential_status"
"""Takes the credential as every tool does, and asks no back end, whose own limits are another matter."""


async def test_a_hundred_callers_at_three_servers_refresh_once_and_every_server_misses_what_was_disconnected(
    browser: Browser, vault: Vault, stack: Stack
) -> None:
    browser.connect("jira")
    nearly_over(vault, browser, "jira")
    path = f"secret/metadata/users/{browser.person.username}/accounts/jira"
    before, held = vault.request("GET", path)["data"]["current_version"], stored(vault, browser, "jira")
    # A person has fifty calls at once: a third of a hundred goes to the server that counts.
    settings = stack.environment("mcp-jira") | {"MCP_LIMIT_PERSON": "0/0"}
    async with (
        replica(stack, "jira", settings=settings) as second,
        replica(stack, "jira", settings=settings) as third,
    ):
        places = ("", second.url, third.url)
        sessions = [await signed_in(stack, browser.person) for _ in range(SESSIONS)]
        for caller in sessions:
            await caller.token("jira")
        results = await asyncio.gather(
            *(sessions[n % SESSIONS].call("jira", STATUS, at=places[n // SESSIONS % 3]) for n in range(CALLERS))
        )
        told = [(result.is_error, (result.structured_content or {}).get("account")) for result in results]
        assert set(told) == {(False, browser.person.email)}, told
        assert vault.request("GET", path)["data"]["current_version"] == before + 1, "written once"
        after = stored(vault, browser, "jira")
        assert after["refresh_token"] != held["refresh_token"]
        assert json.loads(after["grant"])["refreshed_by"]
        assert api(stack, "jira", after) == 200, "the provider saw no refresh token twice"

        async with process_of(stack) as process:
            cookie = await cookie_of(process, stack, browser.person)
            assert await connections.disconnect(process, cookie, "jira") == ""
        over = time.monotonic()
        await asyncio.gather(*(_missed(sessions[0], at) for at in places))
        assert time.monotonic() - over < 10, "five seconds, and this machine's slowness"


async def _missed(caller: Caller, at: str) -> None:
    async def gone() -> bool:
        return (await caller.call("jira", STATUS, at=at)).structured_content["present"] is False

    await until(gone)
