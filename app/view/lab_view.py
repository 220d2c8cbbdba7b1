"""The attack lab: send one attack or all of them, and see which layer stopped each."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.lab.attack import Attack, AttackResult
from app.lab.board import board, summary
from app.lab.catalog import ATTACKS, BY_ID, CONTROLS, run
from app.lab.place import place
from app.process import AppProcess
from app.session import Person
from app.texts import t
from app.view import press, sentence, traces, visitor
from app.view.board import board as draw
from app.view.plain import plain, prose
from fastmcp_vault.errors import Problem

ANSWER_SECONDS = 40.0
"""How long the next result may take to come."""

_RESULTS, _ASKED = f"{visitor.KEPT}.lab", f"{visitor.KEPT}.lab.asked"


def show(person: Person) -> None:
    """The page for this person."""
    results: dict[str, AttackResult] = st.session_state.setdefault(_RESULTS, {})
    try:
        where = place(AppProcess.current(), person.username)
    except Problem as problem:
        sentence.problem(problem)
        return
    st.caption(t("lab.who", attacker=plain(where.attacker.username), victim=plain(where.victim.username)))
    with st.container(horizontal=True):
        press.button(t("lab.send-all"), type="primary", icon=":material/rocket_launch:", key="lab.all")
        press.button(t("lab.forget"), icon=":material/restart_alt:", key="lab.forget", disabled=not results)
    if press.taken("lab.forget"):
        results.clear()
        st.rerun()
    told = st.container(key="lab.verdict")
    asked = BY_ID.get(str(st.session_state.get(_ASKED, "")))
    chosen: Sequence[Attack] = (*CONTROLS, *ATTACKS) if press.waits("lab.all") else (asked,) if asked else ()
    with told:
        if chosen and _send(person, chosen, results):
            st.rerun()  # What stands above depends on it.
        _verdict(results)
    draw(board(results), key="lab.board", on_send=_ask)


def _ask(attack: str) -> None:
    st.session_state[_ASKED] = attack


def _send(person: Person, chosen: Sequence[Attack], results: dict[str, AttackResult]) -> bool:
    """Send these, with a bar that moves as answers come; whether all of it went well."""
    slot = st.empty()
    bar = slot.progress(0.0, t("lab.sending", done=0, count=len(chosen)))
    press.taken("lab.all")
    st.session_state.pop(_ASKED, None)
    try:
        process = AppProcess.current()
        coming = process.loop.stream(run(place(process, person.username), chosen), timeout=ANSWER_SECONDS)
        for done, result in enumerate(coming, start=1):
            results[result.attack] = result
            traces.note(result.correlation_id, t("action.attack", title=t(f"attack.{result.attack}.title")))
            bar.progress(done / len(chosen), t("lab.sending", done=done, count=len(chosen)))
    except Problem as problem:
        slot.empty()
        sentence.problem(problem)
        return False
    return True


def _verdict(results: dict[str, AttackResult]) -> None:
    kind, text = summary(results)
    if kind == "good":
        st.success(prose(text), icon=":material/verified_user:")
    elif kind == "bad":
        st.error(prose(text), icon=":material/gpp_bad:")
    else:
        st.info(prose(text), icon=":material/hourglass_top:" if kind == "part" else ":material/swords:")
