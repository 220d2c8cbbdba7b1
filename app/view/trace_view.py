"""The Authentication Flow Trace as a list: numbered steps, who spoke to whom, what came back, and all of it masked."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.actions import Done, ServerView
from app.claims import clock, explained, left
from app.mcp_client import LABELS
from app.texts import t
from app.view.cards import badge, card
from app.view.exchange_view import exchange_view
from app.view.plain import mono, plain, prose
from tracing import STEPS, Step, Trace
from tracing.export import as_har, as_json

_LOOK = {
    "done": ("green", ":material/check_circle:"),
    "reused": ("blue", ":material/history:"),
    "failed": ("red", ":material/cancel:"),
    "skipped": ("gray", ":material/remove_circle_outline:"),
}


@st.fragment
def trace_view(done: Done, views: Mapping[str, ServerView]) -> None:
    """The steps in order: those of the person first, then server by server. A step's details come when opened."""
    trace = done.trace
    for server, steps in grouped(trace).items():
        if server:
            st.subheader(LABELS.get(server, server), anchor=False)
        for index, step in enumerate(steps):
            credential = views[server].credential if step.kind == "credential" and server in views else None
            _step(step, credential, key=f"{trace.id}.{server}.{index}")


def downloads(trace: Trace) -> None:
    """The trace as files; masked, as everything in it."""
    name = f"trace-{trace.id[:8]}"
    for label, data, suffix, mime in (
        (t("trace.json"), as_json(trace), "json", "application/json"),
        (t("trace.har"), json.dumps(as_har(trace), indent=2, ensure_ascii=False), "har", "application/json"),
    ):
        st.download_button(
            label,
            data,
            f"{name}.{suffix}",
            mime,
            key=f"download.{suffix}",
            on_click="ignore",
            icon=":material/download:",
            help=t("trace.download.help"),
        )


def summary(trace: Trace) -> str:
    """What the action was, how long it took from first to last step, and its correlation id."""
    ends = [step.started_at + step.duration_ms / 1000 for step in trace.steps]
    duration = (max(ends) - trace.started_at) * 1000 if ends else 0.0
    return t("trace.for", action=plain(trace.action), duration=f"{duration:.0f}", id=trace.id)


def grouped(trace: Trace) -> dict[str, list[Step]]:
    """Steps by server ("" for the person's own), each group by number and then by time."""
    groups: dict[str, list[Step]] = {"": []}
    for step in trace.steps:
        groups.setdefault(step.server, []).append(step)
    order = list(STEPS)
    for steps in groups.values():
        steps.sort(key=lambda s: (s.number, order.index(s.kind), s.started_at))
    return {server: steps for server, steps in groups.items() if steps}


def headline(step: Step) -> str:
    """Number, title and status: icon, colour and word."""
    colour, icon = _LOOK[step.status]
    return f":{colour}-badge[{icon} {t(f'trace.{step.status}')}] **{step.number} · {plain(step.about.title)}**"


def facts(step: Step, now: float) -> str:
    """From → to, address, HTTP status, duration, and how long the result holds, on one line."""
    parts = [f"{party(step.about.source, step.server)} → {party(step.about.target, step.server)}"]
    if step.status != "skipped":
        parts += _wire(step) + _times(step, now)
    return " · ".join(parts)


def _wire(step: Step) -> list[str]:
    if not step.exchanges or step.status == "reused":
        return []
    last = step.exchanges[-1]
    address = mono(f"{last.method} {last.url.partition('?')[0]}")
    more = f" (+{len(step.exchanges) - 1})" if len(step.exchanges) > 1 else ""
    return [f"{address}{more}", f"HTTP {last.status}" if last.status else t("card.unknown")]


def _times(step: Step, now: float) -> list[str]:
    if step.status == "reused" and step.since is not None:
        since = clock(step.since)
        if step.until is None:
            return [t("trace.since", since=since)]
        return [t("trace.since-until", since=since, until=clock(step.until))]
    times = [t("trace.took", duration=f"{step.duration_ms:.0f}")]
    if step.until is not None:
        times.append(t("trace.until", left=left(step.until, now), until=clock(step.until)))
    return times


def party(name: str, server: str) -> str:
    """A lifeline's name as people know it."""
    if name == "backend":
        return t(f"party.backend.{server}") if server in LABELS else t("party.backend.")
    return t(f"party.{name}", server=LABELS.get(server, ""))


def _step(step: Step, credential: Mapping[str, Any] | None, *, key: str) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(headline(step))
        sentence = step.error if step.status == "failed" else step.sentence
        st.markdown(prose(sentence or step.about.why))
        if step.fix:
            st.markdown(f":material/build: {t('trace.fix', fix=prose(step.fix))}")
        st.caption(facts(step, time.time()))
        if step.kind == "credential" and step.status != "skipped":
            _credential({**(credential or {}), **step.detail}, failed=step.status == "failed")
        details = st.expander(t("trace.detail"), key=f"step.{key}", on_change="rerun", type="compact")
        if details.open:
            with details:
                _details(step, key)


def _credential(found: Mapping[str, Any], *, failed: bool) -> None:
    present = False if failed else found.get("present")
    st.markdown(badge(present if isinstance(present, bool) else None))
    card(found)


def _details(step: Step, key: str) -> None:
    st.markdown(prose(step.about.why))
    st.caption(t("trace.standard", standard=plain(step.about.standard)))
    claims = step.detail.get("claims")
    if isinstance(claims, Mapping):
        _claims(claims)
    rest = {name: value for name, value in step.detail.items() if name != "claims"}
    if rest and step.kind != "credential":
        st.json(rest, expanded=True)
    for number, exchange in enumerate(step.exchanges):
        exchange_view(exchange, key=f"{key}.{number}")
    if not step.exchanges:
        st.caption(t("trace.no-exchange"))


def _claims(claims: Mapping[str, Any]) -> None:
    st.markdown(f"**{t('trace.claims')}**")
    until = claims.get("exp")
    if isinstance(until, int | float):
        over = until <= time.time()
        st.markdown(t("trace.claims.over") if over else t("trace.claims.left", left=left(until, time.time())))
    st.markdown("\n".join(f"- **{plain(n)}** {mono(v)} {m and f'— {prose(m)}'}" for n, v, m in explained(claims)))
