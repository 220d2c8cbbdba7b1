"""A trace as numbered blocks: one for each step's number, its parts lettered, every answer inside its own call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from app.claims import clock
from app.flow.arrows import Arrow, arrows
from app.flow.details import title
from app.flow.parties import lanes
from app.flow.reasons import instead, kept, reason
from app.texts import t
from fastmcp_vault.tracing import STEPS, Step, Trace

_ORDER = list(STEPS)
_CHAT = {kind for kind in STEPS if kind.startswith(("chat-", "relay-"))}
_CALL = {
    "server-token",
    "mcp-request",
    "bearer-check",
    "vault-login",
    "entity",
    "credential",
    "credential-check",
    "account-refresh",
    "approval-question",
    "approval",
    "backend",
}
"""Kinds that stand together in one block when a tool is called."""


@dataclass(frozen=True, slots=True)
class BlockPart:
    """One step of a block: its place in the trace, and what it is called there (``3b``)."""

    index: int
    label: str


def parts(trace: Trace, server: str) -> list[list[BlockPart]]:
    """One server's steps ("": the person's own), one list for each block, lettered where a block has several.

    A call's steps stand in the order of their numbers. A chat's trace goes on over several messages, so that there a
    number comes again: its steps stand in the order of time, a block wherever the number changes.
    """
    own = [(step, index) for index, step in enumerate(trace.steps) if step.server == server]
    goes_on = any(step.kind in _CHAT for step in trace.steps)
    own.sort(key=lambda pair: (0 if goes_on else pair[0].number, _began(pair[0]), _ORDER.index(pair[0].kind)))
    blocks = [[index for _, index in block] for _, block in groupby(own, key=lambda pair: pair[0].number)]
    return [
        [
            BlockPart(i, f"{trace.steps[i].number}{_letter(n)}" if len(block) > 1 else str(trace.steps[i].number))
            for n, i in enumerate(block)
        ]
        for block in blocks
    ]


def _began(step: Step) -> float:
    """When its first message went; a step may do another one's work before it sends its own."""
    return step.exchanges[0].started_at if step.exchanges else step.started_at


def labels(trace: Trace) -> dict[int, str]:
    """What each step is called, by its index in the trace."""
    servers = {step.server for step in trace.steps}
    return {part.index: part.label for server in servers for block in parts(trace, server) for part in block}


def groups(trace: Trace) -> list[dict[str, Any]]:
    """One group for the person's own steps, one for each server's."""
    found = arrows(trace)
    return [
        {
            "server": server,
            "lanes": lanes(trace, server),
            "blocks": [
                {
                    "number": trace.steps[block[0].index].number,
                    "title": _heading(trace, block),
                    "parts": [_part(trace, one, drawn) for one in block],
                }
                for block in parts(trace, server)
            ],
        }
        for server, drawn in found.items()
    ]


def _letter(place: int) -> str:
    return chr(ord("a") + place) if place < 26 else f".{place + 1}"


def _heading(trace: Trace, row: Sequence[BlockPart]) -> str:
    """What the parts of a block do together; a single part says that itself."""
    steps = [trace.steps[part.index] for part in row]
    return t(f"picture.step.{steps[0].number}.title") if len(row) > 1 and {step.kind for step in steps} <= _CALL else ""


def _part(trace: Trace, part: BlockPart, drawn: Sequence[Arrow]) -> dict[str, Any]:
    step = trace.steps[part.index]
    why = reason(step, trace)
    own = [arrow for arrow in drawn if arrow.step == part.index]
    names = lanes(trace, step.server)
    rows = [_row(step, arrow, names, last=n + 1 == len(own)) for n, arrow in enumerate(own)]
    return {
        "step": part.index,
        "label": part.label,
        "title": title(step),
        "status": step.status,
        "word": t(f"trace.{step.status}"),
        "checked": why.checked,
        "out": why.out,
        "stops": why.stops,
        "instead": instead(step, trace),
        "kept": kept(step),
        "until": step.until if step.status == "done" else None,
        "when": t("flow.earlier", at=clock(step.started_at)) if _earlier(step, trace) else "",
        # What was reused sent nothing, so it has no arrow.
        "rows": rows if step.status != "reused" else [],
        "aria": ", ".join(
            filter(
                None,
                (
                    t(f"trace.{step.status}"),
                    f"{part.label} · {title(step)}",
                    *_said(rows),
                    why.checked,
                    why.out,
                    why.stops,
                ),
            )
        ).replace("`", ""),
    }


def _earlier(step: Step, trace: Trace) -> bool:
    return step.status == "done" and step.started_at < trace.started_at


def _said(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [", ".join(filter(None, (row["ways"], row["label"], row["note"]))) for row in rows]


def _row(step: Step, arrow: Arrow, names: Sequence[str], *, last: bool) -> dict[str, Any]:
    went_well = step.status == "failed" and not last and not arrow.error and (arrow.http or 500) < 400
    inside = arrow.source == arrow.target
    return {
        "shape": arrow.shape,
        "from": arrow.source,
        "to": arrow.target,
        "status": "done" if went_well else step.status,
        "ways": names[arrow.source] if inside else f"{names[arrow.source]} → {names[arrow.target]}",
        "label": arrow.label,
        "note": _note(step, arrow),
        "answered": arrow.http is not None or (step.kind == "backend" and step.status == "done" and not inside),
    }


def _note(step: Step, arrow: Arrow) -> str:
    """Status and duration, or that the message was seen and not timed."""
    if step.status in {"reused", "skipped"}:
        return ""
    timed = t("trace.took", duration=f"{arrow.ms:.0f}" if arrow.ms >= 1 else "<1") if arrow.ms is not None else ""
    return " · ".join(
        filter(
            None,
            (
                f"HTTP {arrow.http}" if arrow.http is not None else "",
                t("flow.no-answer") if arrow.error else "",
                timed,
                t("flow.not-timed") if arrow.label and arrow.ms is None and not arrow.error else "",
            ),
        )
    )
