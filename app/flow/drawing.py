"""A trace as the component draws it: plain values, every word already in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.claims import clock
from app.flow import hops
from app.flow.arrows import Arrow, arrows
from app.flow.details import details, sentence, times, title
from app.flow.parties import lanes
from app.mcp_client import LABELS
from app.texts import language, t
from fastmcp_vault.tracing import STEPS, Step, Trace

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
)
"""What the component itself says: the catalogue's ``flow.ui.…``."""


def drawing(
    trace: Trace,
    credentials: Mapping[str, Mapping[str, Any] | None],
    remembered: hops.Remembered,
    *,
    now: float,
) -> dict[str, Any]:
    """All of it. ``credentials``: what each server says of the person's; ``now``: seconds since the epoch."""
    found = arrows(trace)
    servers = [server for server in found if server]
    return {
        "id": trace.id,
        "language": language(),
        "now": now,
        "text": {word: t(f"flow.ui.{word}") for word in WORDS},
        "groups": [_group(trace, server, rows) for server, rows in found.items()],
        "waterfall": waterfall(trace),
        "tokens": [_tokens(trace, server, remembered) for server in servers],
        "steps": [
            details(step, credentials.get(step.server) if step.kind == "credential" else None) for step in trace.steps
        ],
        "servers": [{"id": server, "label": LABELS.get(server, server), **_worst(trace, server)} for server in servers],
    }


def _worst(trace: Trace, server: str) -> dict[str, str]:
    failed = any(step.status == "failed" for step in trace.steps if step.server == server)
    status = "failed" if failed else "done"
    return {"status": status, "word": t(f"trace.{status}")}


def _group(trace: Trace, server: str, rows: list[Arrow]) -> dict[str, Any]:
    indexes = [arrow.step for arrow in rows]
    drawn = [
        _row(
            trace.steps[arrow.step],
            arrow,
            lanes(trace, server),
            first=arrow.step not in indexes[:n],
            last=arrow.step not in indexes[n + 1 :],
        )
        for n, arrow in enumerate(rows)
    ]
    return {"server": server, "lanes": lanes(trace, server), "rows": drawn}


def _row(step: Step, arrow: Arrow, names: list[str], *, first: bool, last: bool) -> dict[str, Any]:
    went_well = step.status == "failed" and not last and not arrow.error and (arrow.http or 500) < 400
    status = "done" if went_well else step.status
    note = _note(step, arrow)
    number_title = f"{step.number} · {title(step)}"
    ways = f"{names[arrow.source]} → {names[arrow.target]}" if arrow.source != arrow.target else names[arrow.source]
    return {
        "step": arrow.step,
        "shape": arrow.shape,
        "from": arrow.source,
        "to": arrow.target,
        "status": status,
        "word": t(f"trace.{status}"),
        "number": step.number,
        "title": title(step) if first else "",
        "label": arrow.label,
        "note": note,
        "reason": sentence(step) if first and step.status == "failed" else "",
        "aria": ", ".join(filter(None, (t(f"trace.{status}"), number_title, ways, arrow.label, note))),
    }


def _note(step: Step, arrow: Arrow) -> str:
    """Status and duration; since when it is reused; or that it was seen and not timed."""
    if step.status == "reused":
        return t("flow.since", since=clock(step.since)) if step.since is not None else ""
    if step.status == "skipped":
        return ""
    parts = []
    if arrow.answered and arrow.http is not None:
        parts.append(f"HTTP {arrow.http}")
    if arrow.error:
        parts.append(t("flow.no-answer"))
    if arrow.answered and arrow.ms is not None:
        parts.append(t("trace.took", duration=f"{arrow.ms:.0f}" if arrow.ms >= 1 else "<1"))
    if arrow.label and arrow.ms is None and not arrow.error:
        parts.append(t("flow.not-timed"))
    return " · ".join(parts)


def waterfall(trace: Trace) -> dict[str, Any]:
    """Steps on one time line from the click to the last answer, in percent of its length; ``total`` in milliseconds."""
    ends = [step.started_at + step.duration_ms / 1000 for step in trace.steps]
    total = max(max(ends, default=trace.started_at) - trace.started_at, 0.001)

    def percent(at: float) -> float:
        return round(min(100.0, max(0.0, (at - trace.started_at) / total * 100)), 2)

    order = list(STEPS)
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
                "number": step.number,
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
