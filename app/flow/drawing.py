"""A trace as the component draws it: plain values, every word already in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.flow import hops
from app.flow.blocks import groups, labels
from app.flow.details import details, times, title
from app.flow.reasons import reuse
from app.flow.rule import Rulebook, capture, rule
from app.mcp_client import LABELS
from app.texts import language, t
from fastmcp_vault.tracing import STEPS, Trace

NO_RULES = Rulebook()

WORDS = (
    "sequence",
    "waterfall",
    "tokens",
    "views",
    "servers",
    "all",
    "guided",
    "raw",
    "manner",
    "why",
    "follows",
    "request",
    "response",
    "headers",
    "body",
    "curl",
    "copied",
    "curl-help",
    "no-exchange",
    "claims",
    "facts",
    "until",
    "over",
    "unknown-until",
    "changed",
    "earlier",
    "tokens-lead",
    "tokens-missing",
    "raw-lead",
    "claim",
    "empty",
    "out",
    "legend",
    "legend.request",
    "legend.answer",
    "legend.skipped",
    "legend.kept",
    "rule",
    "rule.written",
    "rule.filled",
    "rule.whole",
)
"""What the component itself says: the catalogue's ``flow.ui.…``."""


def drawing(
    trace: Trace,
    credentials: Mapping[str, Mapping[str, Any] | None],
    remembered: hops.Remembered,
    *,
    now: float,
    book: Rulebook = NO_RULES,
) -> dict[str, Any]:
    """All of it. ``credentials``: what each server says of the person's; ``now``: seconds since the epoch.

    ``book``: the rules at Vault that decided.
    """
    drawn = [
        {**group, "reuse": reuse(trace, group["server"]), "capture": capture(group["server"], trace, book)}
        for group in groups(trace)
    ]
    servers = [group["server"] for group in drawn if group["server"]]
    named = labels(trace)
    return {
        "id": trace.id,
        "proofs": " ".join(proof.correlation_id for proof in book.proofs.values()),
        "language": language(),
        "now": now,
        "text": {word: t(f"flow.ui.{word}") for word in WORDS},
        "groups": drawn,
        "waterfall": waterfall(trace),
        "tokens": [_tokens(trace, server, remembered) for server in servers],
        "steps": [
            details(step, credentials.get(step.server) if step.kind == "credential" else None)
            | {"label": named[index], "rule": rule(step, trace, book)}
            for index, step in enumerate(trace.steps)
        ],
        "servers": [{"id": server, "label": LABELS.get(server, server), **_worst(trace, server)} for server in servers],
    }


def _worst(trace: Trace, server: str) -> dict[str, str]:
    failed = any(step.status == "failed" for step in trace.steps if step.server == server)
    status = "failed" if failed else "done"
    return {"status": status, "word": t(f"trace.{status}")}


def waterfall(trace: Trace) -> dict[str, Any]:
    """Steps on one time line from the click to the last answer, in percent of its length; ``total`` in milliseconds."""
    ends = [step.started_at + step.duration_ms / 1000 for step in trace.steps]
    total = max(max(ends, default=trace.started_at) - trace.started_at, 0.001)

    def percent(at: float) -> float:
        return round(min(100.0, max(0.0, (at - trace.started_at) / total * 100)), 2)

    order, named = list(STEPS), labels(trace)
    rows = []
    for index in sorted(range(len(trace.steps)), key=lambda i: (trace.steps[i].started_at, trace.steps[i].number)):
        step = trace.steps[index]
        start, end = percent(step.started_at), percent(step.started_at + step.duration_ms / 1000)
        timed = step.status in {"done", "failed"}
        rows.append(
            {
                "step": index,
                "server": step.server,
                "where": LABELS.get(step.server, ""),
                "label": named[index],
                "kind": order.index(step.kind),
                "title": title(step),
                "status": step.status,
                "word": t(f"trace.{step.status}"),
                "left": start,
                "width": round(end - start, 2) if timed else 0,
                "inner": [
                    [percent(e.started_at), round(percent(e.started_at + (e.duration_ms or 0) / 1000), 2)]
                    for e in step.exchanges
                ]
                if timed
                else [],
                "note": times(step).partition(" · ")[2] if step.status != "skipped" else "",
                "earlier": step.started_at < trace.started_at,
            }
        )
    return {"total": round(total * 1000), "rows": rows}


def _tokens(trace: Trace, server: str, remembered: hops.Remembered) -> dict[str, Any]:
    found = hops.hops(trace, server, remembered)
    return {
        "server": server,
        "hops": [
            {
                "title": hop.title,
                "status": hop.status,
                "word": t(f"trace.{hop.status}"),
                "until": hop.until,
                "known": bool(hop.claims),
            }
            for hop in found
        ],
        "rows": hops.compared(found),
    }
