"""What counting adds to a call, and what one person's flood does to another's calls."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median

from pydantic import SecretStr

from benchmarks.people import BenchVisit
from benchmarks.results import BenchRow
from benchmarks.scenes import TITLES, asking
from benchmarks.timing import quantile
from benchmarks.wire import CallFailed, Connection, structured
from fastmcp_vault.oidc import unverified_claims
from fastmcp_vault.state import Principal, State
from fastmcp_vault.state.allowances import Allowances, QuotaKey
from fastmcp_vault.state.protocol import Quota
from stack.testing import Stack

FLOOD = 4
"""Connections on which somebody calls without a pause."""

FLOODED = Quota(60, 2)
"""What they may."""

BLOCK = 20


async def cost(stack: Stack, ours: str, visit: BenchVisit, *, rounds: int) -> BenchRow:
    """A call's share of counting, the questions that it asks PostgreSQL now and then included, against a warm call."""
    dsn, mark = SecretStr(stack.environment("mcp-jira")["STATE_DSN"]), secrets.token_hex(4)
    quotas = {
        QuotaKey("person", mark, "person"): Quota(3000, 50),
        QuotaKey("client", mark, "client"): Quota(60_000, 1000),
        QuotaKey("tool", mark, "tool"): Quota(60_000, 1000),
    }
    async with State(dsn) as state, Allowances(state.quotas) as allowances, Connection(ours) as connection:
        sent = asking(ours, "jira", visit)
        structured(await connection.send(sent))
        calls: list[float] = []
        counting: list[float] = []
        for _ in range(max(2, rounds // BLOCK)):
            began = time.perf_counter()
            for _ in range(BLOCK * 4):
                async with allowances.admitted(quotas):
                    pass
            counting.append((time.perf_counter() - began) * 1000 / (BLOCK * 4))
            for _ in range(BLOCK):
                began = time.perf_counter()
                await connection.send(sent)
                calls.append((time.perf_counter() - began) * 1000)
    mine, call = sum(counting) / len(counting), median(calls)
    what = f"{TITLES['jira']}, warm, p50: what counting it for its person, client and tool takes / the call"
    return BenchRow("limits-cost", what, mine / call, "≤ 0.03", f"{mine * 1000:.0f} µs / {call:.2f} ms", 0)


async def flood(stack: Stack, ours: str, quiet: BenchVisit, flooder: BenchVisit, *, rounds: int) -> BenchRow:
    """Somebody's calls while another calls without a pause, far beyond their limit, against these alone; by turns."""
    times: dict[bool, list[float]] = {False: [], True: []}
    async with AsyncExitStack() as entered:
        await entered.enter_async_context(_limited(stack, flooder))
        mine = await entered.enter_async_context(Connection(ours))
        theirs = [await entered.enter_async_context(Connection(ours)) for _ in range(FLOOD)]
        sent, flooding = asking(ours, "jira", quiet), asking(ours, "jira", flooder)
        structured(await mine.send(sent))
        for number in range(max(2, rounds // BLOCK) * 2):
            floods = [asyncio.create_task(_without_a_pause(one, flooding)) for one in theirs if number % 2]
            for _ in range(BLOCK):
                began = time.perf_counter()
                structured(await mine.send(sent))
                times[bool(floods)].append((time.perf_counter() - began) * 1000)
            for one in floods:
                one.cancel()
            await asyncio.gather(*floods, return_exceptions=True)
            if floods:
                # What was cut off in the middle is answered on another connection.
                theirs = [await entered.enter_async_context(Connection(ours)) for _ in range(FLOOD)]
    loud, alone = quantile(times[True], 0.95), quantile(times[False], 0.95)
    what = f"{TITLES['jira']}, warm, p95: while another person floods the server / alone"
    return BenchRow("limits-flood", what, loud / alone, "≤ 1.5", f"{loud:.2f} / {alone:.2f} ms", 0)


async def _without_a_pause(connection: Connection, sent: bytes) -> None:
    while True:
        try:
            await connection.send(sent)
        except CallFailed:
            continue


@asynccontextmanager
async def _limited(stack: Stack, visit: BenchVisit) -> AsyncIterator[None]:
    claims = unverified_claims(visit.token)
    principal = Principal("person", claims["iss"], claims["sub"])
    async with State(SecretStr(stack.environment("init")["STATE_DSN"])) as administrator:
        await administrator.quotas.override(principal, FLOODED, name=visit.person.username, by="benchmarks")
        try:
            yield
        finally:
            await administrator.quotas.override(principal, None, name=visit.person.username)
