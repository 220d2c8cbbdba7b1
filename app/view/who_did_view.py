"""The first part of the Audit page: one row an action, from the audit trail that the MCP servers write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import who_did
from app.claims import clock
from app.process import AppProcess
from app.texts import t
from app.view import sentence, visitor
from fastmcp_vault.errors import Problem
from fastmcp_vault.state.audit_rows import AuditRow

SECONDS = 10.0
"""How long reading them may take."""

OUTCOMES = ("done", "failed", "asked", "cancelled")


def show(joined: Mapping[tuple[str, str], int]) -> None:
    """The rows; ``joined``: how many of the person's own requests Vault wrote down, by correlation id and server."""
    try:
        process = AppProcess.current()
        told = process.loop.run(who_did.look(process, visitor.visit().cookie), timeout=SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    st.subheader(t("audit.who-did.everybody" if told.everybody else "audit.who-did"), anchor=False)
    st.caption(t("audit.who-did.about"))
    if not told.rows:
        st.markdown(t("audit.who-did.none"))
        return
    # A data frame shows text as it is: nothing in a row is read as Markdown.
    st.dataframe(
        [_row(row, joined, everybody=told.everybody) for row in told.rows],
        hide_index=True,
        height=min(38 * len(told.rows) + 40, 320),
        key="audit.who-did",
    )


def _row(row: AuditRow, joined: Mapping[tuple[str, str], int], *, everybody: bool) -> dict[str, Any]:
    said = row.said
    count = joined.get((_of(row, "correlation_id"), _of(row, "server")), 0)
    return {
        t("audit.column.when"): clock(float(said.get("at") or row.written_at)),
        **({t("audit.column.person"): _of(row, "person")} if everybody else {}),
        t("audit.column.tool"): f"{_of(row, 'server')} {_of(row, 'tool')}",
        t("audit.column.arguments"): _of(row, "arguments"),
        t("audit.column.outcome"): _outcome(row),
        t("audit.column.client"): _of(row, "client"),
        t("audit.column.approved"): _of(row, "approved"),
        t("audit.column.credential"): _of(row, "credential"),
        t("audit.column.accessor"): _of(row, "accessor"),
        **({} if everybody else {t("audit.column.joined"): str(count or t("audit.joined.none"))}),
        t("audit.column.id"): _of(row, "correlation_id"),
    }


def _outcome(row: AuditRow) -> str:
    outcome = _of(row, "outcome")
    return t(f"audit.outcome.{outcome}", reason=_of(row, "reason")) if outcome in OUTCOMES else outcome


def _of(row: AuditRow, name: str) -> str:
    return str(row.said.get(name) or "")
