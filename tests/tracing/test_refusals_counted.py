"""Who is refused for a quota is counted, at the door and behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mcp import MCPError
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from fastmcp_vault import metrics
from fastmcp_vault.credentials.caller import VerifiedToken
from fastmcp_vault.errors import RateLimited
from fastmcp_vault.server import limits
from fastmcp_vault.server.limits import CallCounter, CallLimits, LimitDoor, LimitMiddleware
from tests.support.bearers import bearer
from tests.tracing.test_metrics import points, reader

__all__ = ["reader"]

PROBLEM = RateLimited("Too many calls.", fix="Wait.", retry_after=7)


@asynccontextmanager
async def full(_: object) -> AsyncIterator[None]:
    raise PROBLEM
    yield


async def test_a_refusal_for_a_quota_is_counted_at_the_door_and_behind_it(
    reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = bearer("s1")
    allowances = SimpleNamespace(admitted=full, refuses=lambda: True, refusal=lambda quotas: PROBLEM)
    overrides = SimpleNamespace(quota=lambda principal: None)
    counter = CallCounter("jira", CallLimits(), cast("Any", allowances), cast("Any", overrides))
    token = VerifiedToken(token="t", client_id="c", scopes=[], verified=claims, checked_at=0.0, check_ms=0.0)
    door = LimitDoor(cast("Any", None), counter=counter)

    async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
        await door({**scope, "user": AuthenticatedUser(token)}, receive, send)

    answer = TestClient(signed_in).post("/mcp", headers={"Mcp-Method": "tools/call"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")

    monkeypatch.setattr(limits, "current_caller", lambda: SimpleNamespace(claims=claims))
    with pytest.raises(MCPError):
        await LimitMiddleware(counter).on_get_prompt(
            cast("Any", SimpleNamespace(message=SimpleNamespace(name="x"))), cast("Any", None)
        )
    (counted,) = points(reader, metrics.REFUSALS.name)
    assert (counted.attributes, counted.value) == ({"server": "jira", "reason": "rate_limited"}, 2)
