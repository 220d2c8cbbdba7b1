"""Sharing a trace with the room, and another person's trace of the same call beside one's own."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from app import compare, sharing
from app.claims import clock
from app.process import AppProcess
from app.session import Person
from app.sharing import Shared
from app.texts import t
from app.view import sentence
from app.view.plain import mono, plain
from fastmcp_vault.errors import Problem

STATE_SECONDS = 5.0
LOOK_EVERY = 4.0
"""Seconds between looks for what others share, while one shares oneself."""

ON = "share.on"
_SENT = "share.sent"
_WITH = "share.with"


def sharing_panel(person: Person, call: str, mine: Shared) -> None:
    """The switch (off at first), and while it is on, who else shares this call."""
    on = st.toggle(t("share.toggle"), key=ON, help=t("share.help", minutes=int(sharing.SHARED_SECONDS // 60)))
    try:
        _keep_up(person, call, mine, on=on)
    except Problem as problem:
        sentence.problem(problem)
        return
    if on:
        others(person, call, mine)


def _keep_up(person: Person, call: str, mine: Shared, *, on: bool) -> None:
    """Share this trace once, or take everything back once."""
    sent: tuple[str, float] | None = st.session_state.get(_SENT)
    process = AppProcess.current()
    if on and (sent is None or sent[0] != mine.trace.id):
        process.loop.run(sharing.share(process, person, call, mine), timeout=STATE_SECONDS)
        st.session_state[_SENT] = (mine.trace.id, time.time() + sharing.SHARED_SECONDS)
    elif not on and sent is not None:
        process.loop.run(sharing.withdraw(process, person), timeout=STATE_SECONDS)
        del st.session_state[_SENT]


@st.fragment(run_every=LOOK_EVERY)
def others(person: Person, call: str, mine: Shared) -> None:
    """Who else shares this call now, and the comparison with the one chosen."""
    try:
        process = AppProcess.current()
        found = process.loop.run(sharing.of_others(process, person, call), timeout=STATE_SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    sent: tuple[str, float] | None = st.session_state.get(_SENT)
    until = clock(sent[1]) if sent else ""
    st.caption(t("share.until" if found else "share.alone", until=until))
    if st.session_state.get(_WITH) not in (None, *found):
        del st.session_state[_WITH]
    if not found:
        return
    # Nothing that opens: this part is drawn anew every few seconds, which would close it under the pointer.
    chosen = st.pills(
        t("share.with"),
        sorted(found, key=lambda sub: (found[sub].username, sub)),
        format_func=lambda sub: found[sub].username,
        key=_WITH,
    )
    if chosen is not None:
        _comparison(mine, found[chosen])


def _comparison(mine: Shared, theirs: Shared) -> None:
    with st.container(border=True, key="comparison"):
        st.subheader(t("share.beside", mine=plain(mine.username), theirs=plain(theirs.username)), anchor=False)
        _lines(t("share.people"), compare.people(mine, theirs), mine, theirs)
        _lines(t("share.result"), compare.facts(mine, theirs), mine, theirs)
        for table in compare.rows(mine, theirs):
            _rows(table, mine, theirs)
        _lines(t("share.steps"), compare.steps(mine, theirs), mine, theirs)
        _lines(t("share.claims"), compare.claims(mine, theirs), mine, theirs)


def _lines(title: str, lines: Sequence[compare.ComparedLine], mine: Shared, theirs: Shared) -> None:
    """One table: what it is, both values, and a word on whether they differ."""
    if not lines:
        return
    differing = sum(not line.same for line in lines)
    st.markdown(f"**{plain(title)}** — {t('share.count', differing=differing, count=len(lines))}")
    columns = {
        t("share.what"): [plain(line.what) for line in lines],
        plain(mine.username): [_value(line.mine, same=line.same) for line in lines],
        plain(theirs.username): [_value(line.theirs, same=line.same) for line in lines],
        t("share.verdict"): [_verdict(same=line.same) for line in lines],
    }
    st.table(columns, border="horizontal", hide_index=True)


def _rows(table: compare.Rows, mine: Shared, theirs: Shared) -> None:
    """A result's rows with whose they are; in text, so that no colour is needed."""
    whose = {
        (True, True): t("share.both"),
        (True, False): t("share.only", username=mine.username),
        (False, True): t("share.only", username=theirs.username),
    }
    single = sum(not (ours and others) for _, ours, others in table.rows)
    title = " ".join(filter(None, (t("share.rows"), table.name)))
    st.markdown(f"**{plain(title)}** — {t('share.count', differing=single, count=len(table.rows))}")
    st.dataframe(
        [{t("share.whose"): f"{'=' if a and b else '≠'} {whose[a, b]}", **row} for row, a, b in table.rows],
        hide_index=True,
    )


def _value(value: str, *, same: bool) -> str:
    shown = mono(value) or "—"
    return shown if same else f":yellow-background[{shown}]"


def _verdict(*, same: bool) -> str:
    """A sign and a word that stay on one line."""
    return f":gray[=\u00a0{t('share.same')}]" if same else f"**≠\u00a0{t('share.differs')}**"
