"""The Authentication Flow Trace on the page: what it is of, the drawing, and the trace as files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from app.actions import ActionDone, ServerView
from app.flow.drawing import drawing
from app.flow.hops import Remembered
from app.flow.rule import Rulebook
from app.flow.standards import linked
from app.texts import t
from app.view import audit_view
from app.view.flow import flow
from app.view.plain import plain, prose
from fastmcp_vault.tracing import STEPS, Trace
from fastmcp_vault.tracing.export import as_har, as_json

_AUDIT = Path(__file__).parents[1] / "pages" / "audit.py"

STEP = "step"
"""Query parameter that names a step, so that a link leads to it."""


def trace_view(
    done: ActionDone,
    views: Mapping[str, ServerView],
    remembered: Remembered,
    book: Rulebook,
    on_attempt: Callable[[str], None],
) -> None:
    """Draw the trace; opening and choosing in it runs no script, asking for somebody else's path does."""
    credentials = {server: view.credential for server, view in views.items()}
    data = drawing(done.trace, credentials, remembered, now=time.time(), book=book)
    flow(data, key="trace.flow", on_attempt=on_attempt)


def downloads(trace: Trace) -> None:
    """The trace as files; masked, as everything in it. They are made when somebody asks for them."""
    name = f"trace-{trace.id[:8]}"
    for label, data, suffix in (
        (t("trace.json"), lambda: as_json(trace), "json"),
        (t("trace.har"), lambda: json.dumps(as_har(trace), indent=2, ensure_ascii=False), "har"),
    ):
        st.download_button(
            label,
            data,
            f"{name}.{suffix}",
            "application/json",
            key=f"download.{suffix}",
            on_click="ignore",
            icon=":material/download:",
            help=t("trace.download.help"),
        )


def audit_link(trace: Trace) -> None:
    """From the trace to Vault's lines about the same action, which carry its correlation id."""
    query = {audit_view.ID: trace.id}
    st.page_link(_AUDIT, label=t("trace.audit"), icon=":material/receipt_long:", query_params=query)


def summary(trace: Trace) -> str:
    """What the action was, how long it took from first to last step, and its correlation id."""
    ends = [step.started_at + step.duration_ms / 1000 for step in trace.steps]
    duration = (max(ends) - trace.started_at) * 1000 if ends else 0.0
    return t("trace.for", action=plain(trace.action), duration=f"{duration:.0f}", id=trace.id)


def announced() -> None:
    """Who came by a link to a step, before there is a trace: what the step is, and how to see it."""
    kind = STEPS.get(st.query_params.get(STEP, ""))
    if kind is None:
        return
    with st.container(border=True, key="trace.announced"):
        st.markdown(f"**{kind.number} · {t(f'registry.{kind.id}.title')}**")
        st.markdown(prose(t(f"registry.{kind.id}.why")))
        pieces = (f"[{plain(p.text)}]({p.href})" if p.href else plain(p.text) for p in linked(kind.standard))
        st.caption(t("trace.standard", standard="".join(pieces)))
        st.caption(t("trace.announced"))
