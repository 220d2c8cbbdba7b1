"""A trace's messages in the order in which they went: one arrow for each real message and its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from app.flow.parties import lifelines
from fastmcp_vault.tracing import Exchange, Step, Trace

_KEYCLOAK = "/protocol/openid-connect/"

Shape = Literal["call", "self"]
"""``call``: a message there, and its answer. ``self``: work within one lifeline."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One message. ``step``: index in the trace. ``at``: seconds since the epoch; ``ms`` None: not timed."""

    step: int
    shape: Shape
    source: int
    target: int
    label: str
    at: float
    ms: float | None = None
    http: int | None = None
    error: str = ""


def arrows(trace: Trace) -> dict[str, list[Arrow]]:
    """Arrows by server, in time order ("" for the person's own, which come first)."""
    groups: dict[str, list[Arrow]] = {"": []}
    lanes = lifelines(trace)
    for index, step in enumerate(trace.steps):
        groups.setdefault(step.server, []).extend(_of_step(index, step, lanes))
    return {server: sorted(found, key=lambda arrow: arrow.at) for server, found in groups.items() if found}


def _of_step(index: int, step: Step, lanes: Sequence[str]) -> Iterator[Arrow]:
    source, target = lanes.index(step.about.source), lanes.index(step.about.target)
    yield from _seen(index, step, lanes)
    for exchange in step.exchanges:
        yield Arrow(
            step=index,
            shape="call",
            source=source,
            target=target,
            label=message(exchange),
            at=exchange.started_at,
            ms=exchange.duration_ms,
            http=exchange.status,
            error=exchange.error,
        )
    if not step.exchanges:
        shape: Shape = "self" if source == target else "call"
        ms = step.duration_ms if step.status in {"done", "failed"} else None
        role = step.detail.get("role") if step.kind == "backend" else None
        yield Arrow(index, shape, source, target, f"SQL · {role}" if role else "", step.started_at, ms)


def _seen(index: int, step: Step, lanes: Sequence[str]) -> Iterator[Arrow]:
    """The browser's two requests of a sign-in: the app knows their addresses, not how long they took."""
    if step.kind != "login" or "browser" not in lanes:
        return
    for name, target in (("browser_was_sent_to", "keycloak"), ("browser_came_back_with", "app")):
        url = step.detail.get(name)
        if isinstance(url, str):
            label = f"GET {short(url)}"
            yield Arrow(index, "call", lanes.index("browser"), lanes.index(target), label, step.started_at)


def message(exchange: Exchange) -> str:
    """What was sent, in a few words: the JSON-RPC method where there is one, else method and path."""
    return rpc_method(exchange.request_body) or f"{exchange.method} {short(exchange.url)}"


def rpc_method(body: str) -> str:
    """The JSON-RPC method of an MCP request (``tools/call get_issue``), else nothing."""
    try:
        request = json.loads(body)
        method, params = str(request["method"]), request.get("params") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f"{method} {params.get('name', '')}".strip() if isinstance(params, dict) else method


def short(url: str) -> str:
    """An address's path, without Keycloak's long prefix and without the query."""
    path = urlsplit(url).path or "/"
    return f"…/{path.rpartition('/')[2]}" if _KEYCLOAK in path else path
