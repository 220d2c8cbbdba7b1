"""Passwords that the lab sends to Keycloak: few at once, whoever asks, and everybody gets an answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx2
from pydantic import SecretStr

from app.lab.passwords import AT_ONCE, granted
from app.lab.people import DemoPerson
from app.lab.targets import Targets

NOWHERE = Targets(
    keycloak="http://keycloak.test",
    public_keycloak="http://keycloak.test",
    realm="mcp-demo",
    vault="",
    app="",
    mcp={},
    relay="",
    relay_callback="",
)


async def test_a_room_that_signs_its_partners_in_at_one_moment_sends_few_passwords_at_once() -> None:
    sent: list[str] = []
    working, most, full, released = 0, 0, asyncio.Event(), asyncio.Event()

    async def keycloak(request: httpx2.Request) -> httpx2.Response:
        nonlocal working, most
        working += 1
        most = max(most, working)
        sent.append(request.content.decode())
        if working >= AT_ONCE:
            full.set()
        await released.wait()
        working -= 1
        return httpx2.Response(200)

    bob = DemoPerson(username="bob", password=SecretStr("bob123"), holds=frozenset())
    room = [replace(bob, username=f"table-{number:02d}-bob") for number in range(30)]
    turns = asyncio.Semaphore(AT_ONCE)
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(keycloak)) as http:
        asking = [
            asyncio.create_task(granted(http, NOWHERE, person, client={"client_id": "lab-jira"}, turns=turns))
            for person in room
        ]
        await full.wait()
        await asyncio.sleep(0)
        assert 0 < working <= AT_ONCE
        released.set()
        assert {answer.status_code for answer in await asyncio.gather(*asking)} == {200}
    assert most <= AT_ONCE
    assert len(set(sent)) == len(room)
