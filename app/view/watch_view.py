"""Watch one call: makes the calls when the page is opened or asked to, and plays them."""

from __future__ import annotations

import streamlit as st

from app.process import AppProcess
from app.session import Person
from app.stage import play
from app.texts import t
from app.view import press, sentence, traces, visitor
from app.view.stage import stage
from app.watch import Pair, watched
from fastmcp_vault.errors import Problem

SECONDS = 60.0
_PAIR = f"{visitor.KEPT}.watched"


def show(person: Person) -> None:
    """The calls; the first time they are made without being asked for."""
    press.button(t("watch.again"), key="watch.again", icon=":material/replay:")
    if press.taken("watch.again") or _PAIR not in st.session_state:
        try:
            with st.spinner(t("watch.running")):
                st.session_state[_PAIR] = _made(person)
        except Problem as problem:
            sentence.problem(problem)
            return
    stage(play(st.session_state[_PAIR]), key="watch.stage")


def _made(person: Person) -> Pair:
    process = AppProcess.current()
    pair = process.loop.run(watched(process, visitor.visit().cookie, person), timeout=SECONDS)
    for side in pair.sides:
        if side.own:
            traces.remember(side.done.trace)
    return pair
