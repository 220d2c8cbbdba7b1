"""Fifty people at three servers at once, sessions and leases ending in the middle: each gets their own answers."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator

import httpx2
import psutil
import psycopg
import pytest

from fastmcp_vault.http import async_client
from stack.testing import Stack
from tests.mcp_servers.callers import Vault, as_superuser, signed_in
from tests.mcp_servers.crowd import BUSY, SERVERS, Crowd, Member, patiently
from tests.support.eventually import eventually
from tests.support.people import Person

pytestmark = pytest.mark.disturbs

PEOPLE, LEAVERS, ROUNDS = 50, 12, 6

SHORT = {"token_ttl": 12, "token_max_ttl": 16}
"""Seconds: with the margin of 5 s, everybody's Vault token at Jira runs out in the middle."""

SHORT_LEASE = {"default_ttl": 14, "max_ttl": 14}


@pytest.fixture
def short_lives(stack: Stack) -> Iterator[None]:
    """Vault tokens at the Jira server end after seconds; afterwards as before."""
    vault = Vault(stack)
    role = vault.request("GET", "auth/jwt/role/mcp-jira")["data"]
    vault.request("POST", "auth/jwt/role/mcp-jira", {**role, **SHORT})
    yield
    vault.request("POST", "auth/jwt/role/mcp-jira", role)
    vault.close()


@pytest.fixture
async def members(stack: Stack, new_person: Callable[[], Person], vault: Vault) -> AsyncIterator[list[Member]]:
    """The crowd, signed in; each has an issue in Jira that bears the name of whoever made it."""
    some = asyncio.Semaphore(6)

    async def enter(person: Person) -> Member:
        role = vault.request("GET", f"database/roles/{person.username}")["data"]
        vault.request("POST", f"database/roles/{person.username}", {**role, **SHORT_LEASE})
        async with some:
            member = Member(await patiently(lambda: signed_in(stack, person)))
            await patiently(member.arrive)
            await member.caller.data("jira", "create_issue", {"project": "PROJ", "summary": person.username})
        return member

    crowd = await asyncio.gather(*(enter(new_person()) for _ in range(PEOPLE)))
    yield crowd
    await asyncio.gather(*(patiently(member.caller.sign_out) for member in crowd))


def resident(stack: Stack) -> int:
    """Bytes that the three servers keep in memory."""
    return sum(psutil.Process(stack.status(f"mcp-{server}").pid).memory_info().rss for server in SERVERS)


async def held(stack: Stack) -> dict[str, int]:
    """How many credentials each server holds."""
    async with async_client() as client:
        answers = {s: (await client.get(f"{stack.url(f'mcp-{s}')}/health")).json() for s in SERVERS}
    return {server: answer["credentials_held"] for server, answer in answers.items()}


async def test_no_answer_crosses_and_nothing_is_left(
    stack: Stack, short_lives: None, members: list[Member], vault: Vault
) -> None:
    seed = int(os.environ.get("DEMO_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"DEMO_TEST_SEED={seed}")
    before = await held(stack)
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        crowd = Crowd(members, client, random.Random(seed))
        await crowd.rush(rounds=ROUNDS, leavers=LEAVERS)
        half = resident(stack)
        await crowd.rush(rounds=ROUNDS, leavers=LEAVERS)
        print(dict(crowd.outcomes))

    calls = 2 * ROUNDS * PEOPLE * len(SERVERS)
    assert crowd.outcomes["own"] > 0.9 * calls, crowd.outcomes
    assert set(crowd.outcomes) <= {"own", "refused", "session_ended", *BUSY}
    assert all(1 <= n <= before[server] + PEOPLE + LEAVERS for server, n in (await held(stack)).items())
    assert resident(stack) < half * 1.15

    names = [member.name for member in members]
    for member in members:
        for server in SERVERS:
            assert len(vault.tokens(member.caller, server)) <= 1
    await asyncio.gather(*(patiently(member.caller.sign_out) for member in members))
    sids = [member.caller.claims["sid"] for member in members]
    await eventually(lambda: not registered(stack, sids), within=60)
    await eventually(lambda: not roles(stack, names), within=60)


def registered(stack: Stack, sids: list[str]) -> int:
    """Vault tokens that are noted for these sessions."""
    with psycopg.connect(stack.environment("init")["STATE_DSN"]) as connection:
        row = connection.execute("SELECT count(*) FROM vault_tokens WHERE sid = ANY(%s)", (sids,)).fetchone()
    return int(row[0]) if row else 0


def roles(stack: Stack, names: list[str]) -> list[str]:
    """The live database users of these people."""
    with as_superuser(stack) as connection:
        found = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-tester%'").fetchall()
    return [name for (name,) in found if name.split("-")[1] in names]
