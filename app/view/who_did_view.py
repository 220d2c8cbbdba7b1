"""The first part of the Audit page: one row an action, and for one of them what other parts wrote about it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import who_did
from app.claims import clock
from app.evidence import evidence
from app.process import AppProcess
from app.texts import t, told
from app.view import sentence, visitor
from app.view.plain import mono, plain
from app.who_did import WhoDid
from fastmcp_vault.errors import Problem
from fastmcp_vault.state.audit_rows import AuditRow

SECONDS = 10.0
"""How long reading the rows may take."""

LINKED = 5
"""Rows of one action that are shown whole."""

OUTCOMES = ("done", "failed", "refused", "asked", "cancelled")
DEEDS = ("suspended", "revoked", "resumed", "ended", "limited", "unlimited")

DETAILS = (
    "person",
    "client",
    "arguments",
    "credential",
    "accessor",
    "approved",
    "sid",
    "correlation_id",
    "trace_id",
)
"""What is shown of a row that is chosen: the table may be too narrow for it."""


def show(wanted: str) -> None:
    """The rows, the newest first; ``wanted``: the correlation id, or trace, of those chosen already."""
    try:
        process = AppProcess.current()
        found = process.loop.run(who_did.look(process, visitor.visit().cookie, wanted), timeout=SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    st.subheader(t("audit.who-did.everybody" if found.everybody else "audit.who-did"), anchor=False)
    st.caption(t("audit.who-did.about"))
    if lost := sum(row.said.get("lost_before", 0) for row in found.rows):
        st.warning(t("audit.lost", count=lost), icon=":material/warning:")
    if found.rows:
        _rows(found, wanted)
    else:
        st.markdown(t("audit.who-did.none"))


@st.fragment
def _rows(found: WhoDid, wanted: str) -> None:
    # A data frame shows text as it is: nothing in a row is read as Markdown.
    chosen = st.dataframe(
        [_row(row, everybody=found.everybody) for row in found.rows],
        hide_index=True,
        height=min(36 * len(found.rows) + 40, 320),
        key=f"audit.who-did.{found.rows[0].seq}",
        on_select="rerun",
        selection_mode="single-row",
    ).selection.rows
    if chosen:
        _detail(found.rows[chosen[0]], everybody=found.everybody)
        return
    st.caption(t("audit.who-did.choose"))
    linked = [row for row in found.rows if wanted and wanted in (_of(row, "correlation_id"), _of(row, "trace_id"))]
    for row in linked[:LINKED]:
        _detail(row, everybody=found.everybody)


def _row(row: AuditRow, *, everybody: bool) -> dict[str, Any]:
    return {
        t("audit.column.when"): clock(float(row.said.get("at") or row.written_at)),
        **({t("audit.column.person"): _of(row, "person")} if everybody else {}),
        t("audit.column.tool"): f"{_of(row, 'server')} {_of(row, 'tool')}".strip(),
        t("audit.column.arguments"): _of(row, "arguments"),
        t("audit.column.client"): _of(row, "client"),
        t("audit.column.outcome"): _outcome(row),
        t("audit.column.ms"): row.said.get("ms"),
    }


def _outcome(row: AuditRow) -> str:
    deed, outcome, reason = _of(row, "deed"), _of(row, "outcome"), told(_of(row, "reason"))
    if deed in DEEDS:
        counts = {"held": row.said.get("held", 0), "left": row.said.get("left_over", 0)}
        counts |= {"calls": row.said.get("per_minute", 0), "room": row.said.get("at_once", 0)}
        return f"{t(f'audit.deed.{deed}', by=_of(row, 'by'), **counts)} {reason}".strip()
    return t(f"audit.outcome.{outcome}", reason=reason) if outcome in OUTCOMES else deed or outcome


def _detail(row: AuditRow, *, everybody: bool) -> None:
    """One row whole, and what Vault, and for the facilitator the logs, have about it."""
    st.markdown(f"**{plain(_of(row, 'server'))} {plain(_of(row, 'tool'))}** {plain(_outcome(row))}")
    facts = {t(f"audit.column.{name}"): mono(_of(row, name)) for name in DETAILS if _of(row, name)}
    st.markdown("\n".join(f"- {name}: {value}" for name, value in facts.items()))
    for found in evidence(row, AppProcess.current().settings, everybody=everybody):
        st.markdown(f"**{found.part}**" + (f": {plain(found.missing)}" if found.missing else ""))
        if found.lines:
            st.code("\n".join(found.lines), language=None, wrap_lines=True)


def _of(row: AuditRow, name: str) -> str:
    return str(row.said.get(name) or "")
