"""The measurements: warm calls, first calls, calls without reuse, a crowd, and what is left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import cycle
from statistics import median

from benchmarks.people import BenchVisit
from benchmarks.results import BenchRow
from benchmarks.servers import TOOLS
from benchmarks.timing import in_turns, quantile
from benchmarks.vault import Trips
from benchmarks.wire import Connection, listing, request, structured

TITLES = {"jira": "Jira `get_issue`", "postgres": "PostgreSQL `query`"}
FRESH_GOALS = {"jira": "≥ 4", "postgres": "≥ 6"}
BLOCK = 5
"""Calls of one way in a row where calls of the other would still feel its revocations."""

SETTLE_SECONDS = 0.15

THINK_SECONDS = 0.3


def asking(url: str, server: str, visit: BenchVisit | None, *, fresh: bool = False) -> bytes:
    """The bytes of the call that is measured at a server."""
    tool, arguments = TOOLS[server]
    return request(url, tool, arguments, token=visit.token if visit else "", fresh=fresh)


async def warm(
    server: str, ours: str, bares: dict[str, str], visits: Sequence[BenchVisit], *, rounds: int
) -> list[BenchRow]:
    """Warm calls of people the server knows, against each bare server: p50 and p95. All answers must be the same."""
    requests = cycle([asking(ours, server, visit) for visit in visits])
    async with AsyncExitStack() as stack:
        at = {name: await stack.enter_async_context(Connection(url)) for name, url in {"ours": ours, **bares}.items()}
        fixed = {name: asking(url, server, None) for name, url in bares.items()}

        async def call(name: str) -> bytes:
            return await at[name].send(fixed[name] if name in fixed else next(requests))

        answers = [structured(await call(name)) for name in [*at, *["ours"] * len(visits)] for _ in range(3)]
        if any(answer != answers[0] for answer in answers):
            raise RuntimeError("The servers that are compared do not answer alike.")
        times = await in_turns({name: _bound(call, name) for name in at}, rounds=rounds)
    rows = []
    for name in bares:
        for label, fraction, goal in (("p50", 0.5, "≤ 1.15"), ("p95", 0.95, "≤ 1.3")):
            mine, theirs = quantile(times["ours"], fraction), quantile(times[name], fraction)
            against = "a bare server" if name == "bare" else "a bare server with the SDK's lookup mended as here"
            what = f"{TITLES[server]}, warm, {label}: ours / {against}"
            detail = f"{mine:.2f} / {theirs:.2f} ms"
            # The goal is against FastMCP as it comes; what identity alone costs is stated beside it.
            asked = goal if name == "bare" else ""
            rows.append(BenchRow(f"warm-{server}-{name}-{label}", what, mine / theirs, asked, detail, 0))
    return rows


async def first(server: str, ours: str, bare: str, visits: Sequence[BenchVisit], trips: Trips) -> list[BenchRow]:
    """First calls of some against the raw round trips of others, none of whom the server or Vault has seen before.

    Beside that against the same trips and the tool itself, called at a bare server: a first call holds that as well.
    What the trips and the tool come to without us is stated too: no server could do with less.
    """
    calls: list[float] = []
    raw: list[float] = []
    tool: list[float] = []
    async with Connection(ours) as at_ours, Connection(bare) as at_bare:
        for number, visit in enumerate(visits):
            if number % 2:
                raw.append(await trips.run(visit))
                tool.append(await _timed(at_bare, asking(bare, server, None)))
            else:
                calls.append(await _timed(at_ours, asking(ours, server, visit)))
    mine, least = median(calls), median(raw)
    both = least + median(tool)
    trip = "exchange + Vault login + " + ("read" if server == "jira" else "database user + connection")
    what = f"{TITLES[server]}, a person's first call, p50: the whole call / {trip}"
    least_of_all = f"{TITLES[server]}, p50: {trip} + the tool at a bare server / {trip} alone"
    return [
        BenchRow(f"first-{server}", f"{what} alone", mine / least, "≤ 1.2", f"{mine:.1f} / {least:.1f} ms", 0),
        BenchRow(
            f"first-{server}-tool",
            f"{what} + the tool at a bare server",
            mine / both,
            "≤ 1.2",
            f"{mine:.1f} / {both:.1f} ms",
            0,
        ),
        BenchRow(f"first-{server}-floor", least_of_all, both / least, "", f"{both:.1f} / {least:.1f} ms", 0),
    ]


async def ahead(server: str, ours: str, known: BenchVisit, visits: Sequence[BenchVisit]) -> list[BenchRow]:
    """First calls of people who listed the tools just before, against warm calls; and what such a listing costs.

    Between listing and call THINK_SECONDS pass: a client shows the tools to its model, which chooses one.
    """
    times: dict[str, list[float]] = {"first": [], "warm": [], "new": [], "known": []}
    async with Connection(ours) as connection:
        structured(await connection.send(asking(ours, server, known)))
        for visit in visits:
            times["new"].append(await _took(connection, listing(ours, token=visit.token)))
            await asyncio.sleep(THINK_SECONDS)
            times["first"].append(await _timed(connection, asking(ours, server, visit)))
            times["warm"].append(await _timed(connection, asking(ours, server, known)))
            times["known"].append(await _took(connection, listing(ours, token=known.token)))
    p50 = {name: median(found) for name, found in times.items()}
    first, warm_one, new, again = (p50[name] for name in ("first", "warm", "new", "known"))
    what = f"{TITLES[server]}, a person's first call after listing the tools, p50: the call / a warm one"
    lists = f"Listing the {server} server's tools, p50: for somebody new, whose login begins with it / for others"
    return [
        BenchRow(f"ahead-{server}", what, first / warm_one, "≤ 1.3", f"{first:.1f} / {warm_one:.1f} ms", 0),
        BenchRow(f"ahead-{server}-list", lists, new / again, "", f"{new:.1f} / {again:.1f} ms", 0),
    ]


async def _took(connection: Connection, sent: bytes) -> float:
    began = time.perf_counter()
    await connection.send(sent)
    return (time.perf_counter() - began) * 1000


async def _timed(connection: Connection, sent: bytes) -> float:
    """Milliseconds of a call that must succeed."""
    began = time.perf_counter()
    structured(await connection.send(sent))
    return (time.perf_counter() - began) * 1000


async def without_reuse(server: str, ours: str, afresh: BenchVisit, reusing: BenchVisit, *, rounds: int) -> BenchRow:
    """The same server asked to reuse nothing (as the app may ask, call by call) against itself, in blocks by turns."""
    times: dict[bool, list[float]] = {True: [], False: []}
    async with Connection(ours) as connection:
        sent = {True: asking(ours, server, afresh, fresh=True), False: asking(ours, server, reusing)}
        for fresh in (True, False):
            structured(await connection.send(sent[fresh]))
        for number in range(max(2, rounds // BLOCK) * 2):
            fresh = number % 2 == 0
            for _ in range(BLOCK):
                began = time.perf_counter()
                await connection.send(sent[fresh])
                times[fresh].append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(SETTLE_SECONDS)  # what the last calls held is revoked beside whatever comes next
    slow, quick = median(times[True]), median(times[False])
    what = f"{TITLES[server]}, p50: without reuse / ours"
    return BenchRow(f"reuse-{server}", what, slow / quick, FRESH_GOALS[server], f"{slow:.1f} / {quick:.2f} ms", 0)


async def connected(ours: str, stored: BenchVisit, account: BenchVisit, *, rounds: int) -> BenchRow:
    """Warm calls of somebody who connected a Jira account against those of somebody for whom a credential is stored."""
    async with Connection(ours) as connection:
        sent = {"account": asking(ours, "jira", account), "stored": asking(ours, "jira", stored)}
        for name in [*sent] * 3:
            structured(await connection.send(sent[name]))
        times = await in_turns({name: _bound(lambda n: connection.send(sent[n]), name) for name in sent}, rounds=rounds)
    mine, theirs = median(times["account"]), median(times["stored"])
    what = f"{TITLES['jira']}, warm, p50: with a connected account / with a stored credential"
    return BenchRow("warm-jira-account", what, mine / theirs, "≤ 1.05", f"{mine:.2f} / {theirs:.2f} ms", 0)


OBSERVED = {
    "spans": "with spans of one call in ten",
    "metrics": "with metrics for Prometheus",
    "both": "with spans of one call in ten, and metrics for Prometheus",
}


async def observed(at: Mapping[str, str], visit: BenchVisit, *, rounds: int) -> list[BenchRow]:
    """Warm calls at replicas that are observed (``at`` by OBSERVED), against those at one that is not (``plain``)."""
    async with AsyncExitStack() as stack:
        ways = {
            name: (await stack.enter_async_context(Connection(url)), asking(url, "jira", visit))
            for name, url in at.items()
        }
        for name in [*ways] * 3:
            structured(await ways[name][0].send(ways[name][1]))
        times = await in_turns(
            {name: _bound(lambda n: ways[n][0].send(ways[n][1]), name) for name in ways}, rounds=rounds
        )
    p50 = {name: median(found) for name, found in times.items()}
    return [
        BenchRow(
            f"warm-jira-{name}",
            f"{TITLES['jira']}, warm, p50: {how} / without OpenTelemetry",
            p50[name] / p50["plain"],
            "≤ 1.03",
            f"{p50[name]:.2f} / {p50['plain']:.2f} ms",
            0,
        )
        for name, how in OBSERVED.items()
    ]


async def left_behind(
    server: str, ours: str, visit: BenchVisit, trips: Trips, *, calls: int, fresh: bool = False
) -> list[BenchRow]:
    """Vault tokens (and database leases) alive for one person after many calls, once what was owed is revoked."""
    async with Connection(ours) as connection:
        sent = asking(ours, server, visit, fresh=fresh)
        for _ in range(calls):
            await connection.send(sent)
    counts: dict[str, Callable[[BenchVisit], int]] = {"Vault tokens": trips.tokens}
    if server == "postgres":
        counts["database leases"] = trips.leases
    how = "calls without reuse" if fresh else "calls"
    rows = []
    for name, count in counts.items():
        until = time.monotonic() + 10
        while (alive := count(visit)) > 1 and time.monotonic() < until:  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.1)
        what = f"{TITLES[server]}: {name} left behind by {calls:,} {how}"
        rows.append(BenchRow(f"left-{server}-{name}-{fresh}", what, alive, "≤ 1", "", 0))
    return rows


async def crowd(
    server: str, ours: str, bare: str, visits: Sequence[BenchVisit], *, rounds: int, calls: int
) -> BenchRow:
    """As many connections as visits, each calling without a pause, at one process: calls per second, by turns."""
    sent = {ours: [asking(ours, server, visit) for visit in visits], bare: [asking(bare, server, None)] * len(visits)}
    rates: dict[str, list[float]] = {ours: [], bare: []}
    each = max(1, calls // len(visits))
    async with AsyncExitStack() as stack:
        at = {url: [await stack.enter_async_context(Connection(url)) for _ in visits] for url in sent}

        async def one(url: str, number: int, times: int) -> None:
            for _ in range(times):
                structured(await at[url][number].send(sent[url][number]))

        for url in sent:
            for number in range(len(visits)):
                await one(url, number, 1)
        for number in range(rounds):
            for url in (ours, bare) if number % 2 else (bare, ours):
                began = time.perf_counter()
                await asyncio.gather(*(one(url, n, each) for n in range(len(visits))))
                rates[url].append(each * len(visits) / (time.perf_counter() - began))
    mine, theirs = median(rates[ours]), median(rates[bare])
    what = f"{TITLES[server]}, {len(visits)} people at once, calls per second: ours / a bare server"
    return BenchRow(f"crowd-{server}", what, mine / theirs, "≥ 0.85", f"{mine:.0f} / {theirs:.0f} per second", 0)


def _bound(call: Callable[[str], Awaitable[bytes]], name: str) -> Callable[[], Awaitable[bytes]]:
    return lambda: call(name)
