"""What the audit trail adds to a call: its row made, and its share of the writing."""

from __future__ import annotations

import asyncio
import secrets
import time
from statistics import median
from typing import Any

from fastmcp.server.middleware import MiddlewareContext
from fastmcp.tools import ToolResult
from mcp_types import CallToolRequestParams
from pydantic import SecretStr

from benchmarks.people import BenchVisit
from benchmarks.results import BenchRow
from benchmarks.scenes import TITLES, asking
from benchmarks.servers import TOOLS
from benchmarks.wire import Connection, structured
from fastmcp_vault.credentials.caller import Caller, VerifiedToken
from fastmcp_vault.credentials.calls import Call, serving
from fastmcp_vault.oidc import unverified_claims
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.server.audit import AuditMiddleware
from fastmcp_vault.state import State
from fastmcp_vault.state.trail import BATCH, QueuedTrail
from stack.testing import Stack

BLOCK = 20


async def cost(stack: Stack, ours: str, visit: BenchVisit, *, rounds: int) -> BenchRow:
    """A call's share of the trail against a warm call: all the time until its row stands in PostgreSQL, in batches.

    More than a call waits for, since rows are written beside the calls, and mostly PostgreSQL's own time: so without a
    goal.
    """
    tool, arguments = TOOLS["jira"]
    context: MiddlewareContext[Any] = MiddlewareContext(
        message=CallToolRequestParams(name=tool, arguments=dict(arguments))
    )
    dsn, answered = SecretStr(stack.environment("mcp-jira")["STATE_DSN"]), ToolResult(content=[])

    async def called(context: MiddlewareContext[Any]) -> Any:
        return answered

    async with (
        State(dsn) as state,
        QueuedTrail("mcp-jira", state.audit_rows.append, linger=0.001) as trail,
        Connection(ours) as connection,
    ):
        noting, call = AuditMiddleware("mcp-jira", trail), _call(visit)
        sent = asking(ours, "jira", visit)
        structured(await connection.send(sent))
        calls: list[float] = []
        noted: list[float] = []
        for _ in range(max(2, rounds // BLOCK)):
            began = time.perf_counter()
            with serving(call):
                for _ in range(BATCH):
                    await noting.on_call_tool(context, called)
            while trail.waiting:  # noqa: ASYNC110 - it has no other sign
                await asyncio.sleep(0.001)
            noted.append((time.perf_counter() - began) * 1000 / BATCH)
            for _ in range(BLOCK):
                began = time.perf_counter()
                await connection.send(sent)
                calls.append((time.perf_counter() - began) * 1000)
    mine, one = median(noted), median(calls)
    what = f"{TITLES['jira']}, warm, p50: what its row of the audit trail takes / the call"
    return BenchRow("trail-cost", what, mine / one, "", f"{mine * 1000:.0f} µs / {one:.2f} ms", 0)


def _call(visit: BenchVisit) -> Call:
    claims = Claims.model_validate(unverified_claims(visit.token))
    token = VerifiedToken(
        token=visit.token, client_id=claims.azp, scopes=[], verified=claims, checked_at=time.time(), check_ms=0.0
    )
    return Call(
        Caller.of(token), secrets.token_hex(16), credential="secret/data/users/x/jira", accessor=secrets.token_hex(12)
    )
