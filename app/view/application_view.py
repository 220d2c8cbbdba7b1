"""The application's page: what it holds, for how long, and what was replaced while one looked."""

from __future__ import annotations

import time

import streamlit as st

from app.claims import clock
from app.example import View
from app.process import AppProcess
from app.texts import t, told
from app.view import sentence
from app.view.cards import table
from app.view.countdown import countdown
from app.view.plain import mono, plain, prose
from fastmcp_vault.errors import Problem
from fastmcp_vault.vault.application import SecretRow

LOOK_SECONDS = 2.0
ANSWER_SECONDS = 15.0

_COMMAND = ".venv/bin/python -m vault_client --config .demo/data/my-vault-app/config.ini"

_STATES = {
    "fresh": ("green", "check_circle"),
    "stale": ("orange", "sync_problem"),
    "failed": ("red", "cancel"),
    "waiting": ("gray", "hourglass_top"),
}


def page() -> None:
    """What it is, how it stands, and how to see the same in a terminal."""
    st.markdown(t("application.lead"))
    show()
    st.subheader(t("application.terminal"), anchor=False)
    st.markdown(t("application.terminal.text"))
    st.code(_COMMAND, language="bash", wrap_lines=True)


@st.fragment(run_every=LOOK_SECONDS)
def show() -> None:
    """The secrets as they stand, looked at again every two seconds."""
    try:
        process = AppProcess.current()
        view = process.loop.run(process.example.look(), timeout=ANSWER_SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    _verdict(view)
    for first in range(0, len(view.rows), 2):
        for column, row in zip(st.columns(2), view.rows[first : first + 2], strict=False):
            with column:
                _row(row)
    _changes(view)


def _verdict(view: View) -> None:
    if not view.well:
        bad = sum(row.state != "fresh" for row in view.rows)
        st.warning(t("application.unwell", bad=bad, count=len(view.rows)), icon=":material/sync_problem:")
    else:
        st.success(t("application.well", count=len(view.rows) - 1), icon=":material/check_circle:")


def _row(row: SecretRow) -> None:
    with st.container(border=True, height="stretch", key=f"application-{row.kind}"):
        named, left = st.columns([3, 2], vertical_alignment="center")
        colour, icon = _STATES[row.state]
        badge = f":{colour}-badge[:material/{icon}: {t(f'application.{row.state}')}]"
        named.markdown(f"**{t(f'application.{row.kind}')}** {badge}")
        if row.left is not None:
            with left:
                countdown(time.time() + row.left, key=f"left.{row.kind}")
        if row.detail:
            st.markdown(_holds(row))
        st.caption(f"{mono(row.path)} · {t(f'application.{row.kind}.rule')}")
        if row.problem is not None:
            sentence.problem(row.problem)


def _holds(row: SecretRow) -> str:
    """What it is, in the reader's language: the library's words begin with one that says what follows."""
    return t(f"application.{row.kind}.holds", it=plain(row.detail.partition(" ")[2]))


def _changes(view: View) -> None:
    st.subheader(t("application.changes"), anchor=False)
    table([(plain(clock(at)), _change(row)) for at, row in view.changes])


def _change(row: SecretRow) -> str:
    found = _holds(row) if row.problem is None else prose(told(row.problem.what))
    return f"{t(f'application.{row.kind}')}: {found}"
