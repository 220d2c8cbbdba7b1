"""The facilitator's part of the Workshop page: who is where, who is stuck, timer, answers, reset, and projector."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import streamlit as st

from app import workshop
from app.claims import clock
from app.process import AppProcess
from app.texts import t
from app.view import press, sentence, visitor
from app.view.countdown import countdown
from app.view.plain import plain
from app.workshop import EXERCISES
from app.workshop_lab import BOB
from fastmcp_vault.errors import Problem
from fastmcp_vault.state import Participant, WorkshopBoard

SECONDS = 10.0
"""How long looking, or doing one thing, may take."""

EVERY = "5s"
"""How often the standing is looked up again."""

LONGEST = 240
"""Minutes of a timer at most."""

_SAID = f"{visitor.KEPT}.workshop.said"

T = TypeVar("T")


def show() -> bool:
    """The facilitator's controls; whether they are the whole page, for the projector."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(t("workshop.room"), anchor=False)
        projector = st.toggle(t("workshop.projector"), key="pick.projector", help=t("workshop.projector.help"))
    if projector:
        _projected()
        return True
    if said := st.session_state.pop(_SAID, ""):
        st.info(said, icon=":material/check:")
    board = visitor.outcome(workshop.board(AppProcess.current()), timeout=SECONDS)
    timer, answers, reset = st.columns(3)
    with timer.container(border=True, height="stretch"):
        _timer(board if isinstance(board, WorkshopBoard) else WorkshopBoard())
    with answers.container(border=True, height="stretch"):
        _answers(board if isinstance(board, WorkshopBoard) else WorkshopBoard())
    with reset.container(border=True, height="stretch"):
        _reset()
    _standing()
    return False


def stuck_first(found: Sequence[Participant]) -> list[Participant]:
    """Those who have not got over a failed check, most tries first; then the others, as they come."""
    return sorted(found, key=lambda one: -one.stuck.tries if one.stuck else 0)


def _number(exercise: str) -> str:
    numbers = {one.id: str(number) for number, one in enumerate(EXERCISES, 1)}
    return numbers.get(exercise, "—")


@st.fragment(run_every=EVERY)
def _standing() -> None:
    found = visitor.outcome(workshop.participants(AppProcess.current(), visitor.visit().cookie), timeout=SECONDS)
    if isinstance(found, Problem):
        sentence.problem(found)
        return
    if not found:
        st.caption(t("workshop.room.nobody"))
        return
    rows = [
        (
            plain(one.username),
            f"{one.done} / {len(EXERCISES)}",
            _number(one.exercise),
            clock(one.last) if one.last else "—",
            _stuck(one),
        )
        for one in stuck_first(found)
    ]
    names = tuple(t(f"workshop.room.{name}") for name in ("who", "done", "at", "last", "stuck"))
    st.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), border="horizontal")


def _stuck(one: Participant) -> str:
    if one.stuck is None:
        return ""
    minutes = int((time.time() - one.stuck.at) / 60)
    told = t("workshop.room.failed", number=_number(one.stuck.exercise), tries=one.stuck.tries, minutes=minutes)
    return f":orange-badge[{told}] {plain(one.stuck.said)}"


def _timer(board: WorkshopBoard) -> None:
    if board.ends_at is not None:
        countdown(board.ends_at, key="workshop.room.timer")
    minutes = st.number_input(
        t("workshop.timer"), min_value=1, max_value=LONGEST, value=10, step=1, key="pick.timer.minutes"
    )
    with st.container(horizontal=True):
        _button("workshop.timer.start", "timer", lambda cookie: _set_timer(cookie, int(minutes)))
        if board.ends_at is not None:
            _button("workshop.timer.stop", "timer_off", lambda cookie: _set_timer(cookie, 0))


def _set_timer(cookie: str, minutes: int) -> Coroutine[Any, Any, None]:
    return workshop.set_timer(AppProcess.current(), cookie, minutes)


def _answers(board: WorkshopBoard) -> None:
    chosen = st.multiselect(
        t("workshop.answers"),
        [exercise.id for exercise in EXERCISES],
        default=[name for name in board.answers if _number(name) != "—"],
        format_func=lambda name: f"{_number(name)} · {t(f'workshop.{name}.title', partner=BOB)}",
        placeholder=t("workshop.answers.none"),
        help=t("workshop.answers.help"),
        key="pick.answers",
    )
    _button(
        "workshop.answers.show",
        "lightbulb",
        lambda cookie: workshop.show_answers(AppProcess.current(), cookie, list(chosen)),
    )


def _button(label: str, icon: str, act: Any) -> None:
    """A button that does one thing with the person's cookie, and has the page drawn again."""
    press.button(t(label), icon=f":material/{icon}:", key=label)
    if press.taken(label):
        done = visitor.outcome(act(visitor.visit().cookie), timeout=SECONDS)
        if isinstance(done, Problem):
            sentence.problem(done)
        else:
            st.rerun()


def _reset() -> None:
    process, cookie = AppProcess.current(), visitor.visit().cookie
    found = visitor.outcome(workshop.participants(process, cookie), timeout=SECONDS)
    name_of = {"": t("workshop.reset.everybody")}
    if not isinstance(found, Problem):
        name_of |= {one.sub: one.username for one in found}
    with st.form("workshop.reset", border=False):
        who = st.selectbox(
            t("workshop.reset"),
            list(name_of),
            index=None,
            format_func=lambda sub: name_of.get(sub, sub),
            placeholder=t("workshop.reset.whose"),
            key="pick.reset",
        )
        press.form_submit_button(
            t("workshop.reset.do"),
            icon=":material/restart_alt:",
            help=t("workshop.reset.help"),
            key="workshop.reset.do",
        )
    pressed = press.taken("workshop.reset.do")
    if pressed and who is None:
        st.warning(t("workshop.reset.whose"), icon=":material/person_search:")
    elif pressed:
        done = visitor.outcome(workshop.reset(process, cookie, who or ""), timeout=SECONDS)
        if isinstance(done, Problem):
            sentence.problem(done)
            return
        st.session_state[_SAID] = t("workshop.reset.done", count=done)
        st.rerun()


@st.fragment(run_every=EVERY)
def _projected() -> None:
    """What a room may see on the wall: the time, how many have done what, and answers. No names."""
    process, cookie = AppProcess.current(), visitor.visit().cookie
    people = visitor.outcome(workshop.participants(process, cookie), timeout=SECONDS)
    done = visitor.outcome(workshop.standing(process, cookie), timeout=SECONDS)
    board = visitor.outcome(workshop.board(process), timeout=SECONDS)
    if isinstance(people, Problem) or isinstance(done, Problem) or isinstance(board, Problem):
        sentence.problem(next(one for one in (people, done, board) if isinstance(one, Problem)))
        return
    if board.ends_at is not None:
        countdown(board.ends_at, key="workshop.projector.timer", large=True)
    for number, exercise in enumerate(EXERCISES, 1):
        here = sum(one.exercise == exercise.id for one in people)
        title = t(f"workshop.{exercise.id}.title", partner=BOB)
        told = t("workshop.projector.done", done=done.get(exercise.id, 0), all=len(people), here=here)
        share = done.get(exercise.id, 0) / len(people) if people else 0.0
        st.progress(min(1.0, share), text=f"**{number} · {title}** · {told}")
        if exercise.id in board.answers:
            st.info(t(f"workshop.{exercise.id}.answer", partner=BOB), icon=":material/lightbulb:")
