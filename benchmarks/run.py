"""One run: people sign in, level by level, and at each level everything is measured again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

from benchmarks import accounts, limits, scenes, trail
from benchmarks.people import BenchPerson, BenchVisit, Reception
from benchmarks.results import BenchRow, Results
from benchmarks.servers import bare, replica, resident_mb, sink
from benchmarks.vault import Trips
from benchmarks.wire import Connection
from stack.ports import free_ports
from stack.testing import Stack

SERVERS = ("jira", "postgres")
ARRIVING = 6
"""People who arrive at the same time while a level is being filled."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """How much to measure. ``levels``: known users; ``kept``: calls after which what is left is counted."""

    levels: Sequence[int] = (10, 100, 1000)
    warm: int = 300
    first: int = 40
    ahead: int = 20
    fresh: int = 30
    crowd: int = 100
    crowd_rounds: int = 4
    crowd_calls: int = 400
    kept: int = 1000
    kept_fresh: int = 40

    @property
    def people(self) -> int:
        """How many people a run takes: those known, those who come for a first call, and those called by name."""
        return max(self.levels) + len(self.levels) * (len(SERVERS) * (self.first + self.ahead + 2)) + 11


class Run:
    """Measures on a stack that runs; ``people`` are taken one by one and belong to this run alone."""

    def __init__(self, stack: Stack, people: Iterator[BenchPerson], plan: BenchPlan, say: Say) -> None:
        self._stack, self._people, self._plan, self._say = stack, people, plan, say
        self._reception = Reception(stack)
        self._urls = {server: f"{stack.url(f'mcp-{server}')}/mcp" for server in SERVERS}
        self._known: dict[str, list[BenchVisit]] = {server: [] for server in SERVERS}
        self._trips = {server: Trips(stack, server) for server in SERVERS}
        self.results = Results()

    async def all(self) -> Results:
        """Everything that the plan asks for."""
        began = time.monotonic()
        fixed = next(self._people)
        with ExitStack() as processes:
            bares = {
                server: {
                    name: processes.enter_context(bare(self._stack, server, fixed, tuned=name == "tuned"))
                    for name in ("bare", "tuned")
                }
                for server in SERVERS
            }
            before = after = resident_mb(self._stack, "mcp-jira")
            for level in self._plan.levels:
                await self._fill(level)
                after = resident_mb(self._stack, "mcp-jira")
                if level == self._plan.levels[0]:
                    before = after
                for server in SERVERS:
                    await self._measure(level, server, bares[server])
            await self._account()
            await self._observed()
            await self._limits()
            await self._trail()
            await self._count()
        if len(self._plan.levels) > 1:
            self._memory(before, after)
        await self._reception.close()
        for trips in self._trips.values():
            trips.close()
        self.results.seconds = time.monotonic() - began
        return self.results

    async def _fill(self, level: int) -> None:
        """People arrive, and call each server once, until it knows ``level`` of them."""
        self._say(f"{level} people arrive")
        arriving = list(islice(self._people, level - len(self._known["jira"])))
        turn = asyncio.Semaphore(ARRIVING)

        async def arrive(person: BenchPerson, server: str) -> BenchVisit:
            async with turn:
                visit = await self._reception.visit(person, server)
                async with Connection(self._urls[server]) as connection:
                    await connection.greet(scenes.asking(self._urls[server], server, visit))
                return visit

        for server in SERVERS:
            self._known[server] += await asyncio.gather(*(arrive(person, server) for person in arriving))

    async def _measure(self, level: int, server: str, bares: dict[str, str]) -> None:
        plan, ours, known = self._plan, self._urls[server], self._known[server]
        self._say(f"{level} known: {server}")
        self._keep(level, *await scenes.warm(server, ours, bares, known[-10:], rounds=plan.warm))
        first = [await self._reception.visit(person, server) for person in islice(self._people, plan.first)]
        self._keep(level, *await scenes.first(server, ours, bares["bare"], first, self._trips[server]))
        listing = [await self._reception.visit(person, server) for person in islice(self._people, plan.ahead)]
        self._keep(level, *await scenes.ahead(server, ours, known[-1], listing))
        afresh, reusing = [await self._reception.app_visit(person, server) for person in islice(self._people, 2)]
        self._keep(level, await scenes.without_reuse(server, ours, afresh, reusing, rounds=plan.fresh))
        if server == "jira":
            crowd = known[-plan.crowd :]
            self._keep(
                level,
                await scenes.crowd(
                    server, ours, bares["bare"], crowd, rounds=plan.crowd_rounds, calls=plan.crowd_calls
                ),
            )

    async def _account(self) -> None:
        """What a connected account costs, against a stored credential."""
        self._say("a connected account: jira")
        person, other = next(self._people), next(self._people)
        await accounts.connect(self._stack, person)
        self._trips["jira"].forget(person.username)
        account, stored = await self._reception.visit(person, "jira"), await self._reception.visit(other, "jira")
        row = await scenes.connected(self._urls["jira"], stored, account, rounds=self._plan.warm)
        self._keep(max(self._plan.levels), row)

    async def _observed(self) -> None:
        """What OpenTelemetry costs a call: spans at a usual sampling, metrics, and both."""
        self._say("observed: jira")
        visit = await self._reception.visit(next(self._people), "jira")
        with ExitStack() as processes:
            spans = {
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{processes.enter_context(sink())}/v1/traces",
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "0.1",
            }
            ways = {"plain": {}, "spans": spans, "metrics": _metrics(), "both": spans | _metrics()}
            at = {
                name: processes.enter_context(
                    replica(self._stack, "jira", {"OTEL_METRICS_EXPORTER": "none"} | settings)
                )
                for name, settings in ways.items()
            }
            rows = await scenes.observed(at, visit, rounds=self._plan.warm)
        self._keep(max(self._plan.levels), *rows)

    async def _trail(self) -> None:
        """What the audit trail costs a call."""
        self._say("audit trail: jira")
        visit = await self._reception.visit(next(self._people), "jira")
        row = await trail.cost(self._stack, self._urls["jira"], visit, rounds=self._plan.warm)
        self._keep(max(self._plan.levels), row)

    async def _limits(self) -> None:
        """What limits cost, and whom they protect."""
        self._say("limits: jira")
        quiet, flooder = [await self._reception.visit(person, "jira") for person in islice(self._people, 2)]
        for row in (
            await limits.cost(self._stack, self._urls["jira"], quiet, rounds=self._plan.warm),
            await limits.flood(self._stack, self._urls["jira"], quiet, flooder, rounds=self._plan.warm),
        ):
            self._keep(max(self._plan.levels), row)

    async def _count(self) -> None:
        """What many calls leave behind, with reuse and without."""
        for server in SERVERS:
            self._say(f"what calls leave behind: {server}")
            for fresh, calls in ((False, self._plan.kept), (True, self._plan.kept_fresh)):
                visit = await self._reception.app_visit(next(self._people), server)
                rows = await scenes.left_behind(
                    server, self._urls[server], visit, self._trips[server], calls=calls, fresh=fresh
                )
                self._keep(max(self._plan.levels), *rows)

    def _memory(self, before: float, after: float) -> None:
        more = max(self._plan.levels) - self._plan.levels[0]
        what = "Resident memory of the Jira server per 1,000 known users, MB"
        detail = f"{before:.0f} MB at {self._plan.levels[0]}, {after:.0f} MB at {max(self._plan.levels)}"
        self._keep(max(self._plan.levels), BenchRow("memory", what, (after - before) / more * 1000, "", detail, 0))

    def _keep(self, level: int, *rows: BenchRow) -> None:
        for row in rows:
            self._say(f"  {row.what}: {row.value:.2f} ({row.detail})")
            self.results.add(replace(row, users=level))


def _metrics() -> dict[str, str]:
    """Metrics for Prometheus, on a port of their own."""
    port = free_ports(("metrics",))["metrics"]
    return {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": str(port)}
