"""The Workshop page: how far one is, the exercises, and what the facilitator shows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

from app import workshop
from app.claims import clock
from app.flow.drawing import drawing
from app.process import AppProcess
from app.room import FACILITATOR
from app.session import Person
from app.texts import t
from app.view import press, sentence, visitor, workshop_room_view
from app.view.countdown import countdown
from app.view.flow import flow
from app.view.plain import plain, prose
from app.workshop import EXERCISES, Exercise, ExerciseField
from app.workshop_checks import ExerciseVerdict
from fastmcp_vault.errors import Problem
from fastmcp_vault.state import WorkshopBoard, WorkshopProgress

SECONDS = 60.0
"""How long a check may take."""

EVERY = "10s"
"""How often the page looks for what the facilitator shows."""

_FOUND = f"{visitor.KEPT}.workshop.found"
_OPEN = f"{visitor.KEPT}.workshop.open"
_ACTED = f"{visitor.KEPT}.workshop.acted"
_ANSWERS = f"{visitor.KEPT}.workshop.answers"

ACT_ICONS = {"store": "add", "take-back": "delete"}

T = TypeVar("T")


def show(person: Person) -> None:
    """The page for this person."""
    process = AppProcess.current()
    try:
        known = process.loop.run(workshop.progress(process, person.sub), timeout=SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    leads = FACILITATOR in person.roles
    if leads and workshop_room_view.show():
        return
    board = _board(timer=not leads)
    _how_far(known)
    begun = next((e.id for e in EXERCISES if not _done(known, e)), "")
    # What was just checked stays open, and the next one opens below it.
    opened = (begun, st.session_state.get(_OPEN, begun))
    partner = workshop.partner(process, person.username)
    for number, exercise in enumerate(EXERCISES, 1):
        known_of = known.get(exercise.id, WorkshopProgress())
        answer = exercise.id in board.answers
        _one(number, exercise, known_of, opened=exercise.id in opened, partner=partner, answer=answer)


def _done(known: Mapping[str, WorkshopProgress], exercise: Exercise) -> bool:
    return known.get(exercise.id, WorkshopProgress()).done_at is not None


@st.fragment(run_every=EVERY)
def _board(*, timer: bool) -> WorkshopBoard:
    """The facilitator's timer; what else they show is drawn by a run of the whole page, as soon as it changes."""
    try:
        found = AppProcess.current().loop.run(workshop.board(AppProcess.current()), timeout=SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return WorkshopBoard()
    if timer and found.ends_at is not None:
        countdown(found.ends_at, key="workshop.timer")
    before, st.session_state[_ANSWERS] = st.session_state.get(_ANSWERS), found.answers
    if before is not None and before != found.answers:
        st.rerun()
    return found


def _how_far(known: Mapping[str, WorkshopProgress]) -> None:
    done = sum(_done(known, exercise) for exercise in EXERCISES)
    st.progress(done / len(EXERCISES), text=t("workshop.progress", done=done, all=len(EXERCISES)))
    if done == len(EXERCISES):
        st.success(t("workshop.all-done"), icon=":material/celebration:")


def _one(number: int, exercise: Exercise, known: WorkshopProgress, *, opened: bool, partner: str, answer: bool) -> None:
    icon, mark = "radio_button_unchecked", ""
    if known.done_at is not None:
        icon, mark = "check_circle", f" :green-badge[{t('workshop.done')}]"
    elif known.kept:
        icon, mark = "timelapse", f" :orange-badge[{t('workshop.half')}]"
    title = f"{number} · {t(f'workshop.{exercise.id}.title', partner=plain(partner))}{mark}"
    # An expander takes `expanded` once: another key makes it another one.
    key = f"workshop.{'open' if opened else 'shut'}.{exercise.id}"
    place = st.container(key=f"workshop.{exercise.id}")
    with place.expander(title, icon=f":material/{icon}:", expanded=opened, key=key):
        st.markdown(t(f"workshop.{exercise.id}.do", partner=plain(partner)))
        if answer:
            said = t(f"workshop.{exercise.id}.answer", partner=plain(partner))
            st.info(said, icon=":material/lightbulb:")
        if exercise.code[1]:
            st.code(exercise.code[1], language=exercise.code[0], wrap_lines=True)
        if exercise.page:
            st.page_link(exercise.page, icon=":material/arrow_forward:")
        _acts(exercise)
        _asked(exercise)
        _found(exercise)
        if known.done_at is not None:
            st.caption(t("workshop.done-at", at=clock(known.done_at)))


def _acts(exercise: Exercise) -> None:
    """What is done here by a button, and the sentence that came of it."""
    with st.container(horizontal=True):
        for name, act in exercise.acts:
            key = f"workshop.act.{exercise.id}.{name}"
            press.button(t(f"workshop.{exercise.id}.{name}"), icon=f":material/{ACT_ICONS[name]}:", key=key)
            if press.taken(key):
                done = visitor.outcome(act(AppProcess.current(), visitor.visit().cookie), timeout=SECONDS)
                st.session_state.setdefault(_ACTED, {})[exercise.id] = done
                st.session_state[_OPEN] = exercise.id
    done = st.session_state.get(_ACTED, {}).get(exercise.id)
    if isinstance(done, Problem):
        sentence.problem(done)
    elif done:
        st.info(prose(done), icon=":material/key:")


def _asked(exercise: Exercise) -> None:
    with st.form(f"workshop.form.{exercise.id}", border=False):
        given = {field.id: _answer(exercise, field) for field in exercise.fields}
        press.form_submit_button(t("workshop.check"), icon=":material/fact_check:", key=f"workshop.check.{exercise.id}")
    if not press.taken(f"workshop.check.{exercise.id}"):
        return
    with st.spinner(t("workshop.checking"), show_time=True):
        found = visitor.outcome(
            workshop.check(AppProcess.current(), visitor.visit().cookie, exercise.id, given), timeout=SECONDS
        )
        st.session_state.setdefault(_FOUND, {})[exercise.id] = found
        st.session_state[_OPEN] = exercise.id
    # The bar above, and the mark on the exercise, are to show what was just found.
    st.rerun()


def _answer(exercise: Exercise, field: ExerciseField) -> str:
    label, key = t(f"workshop.{exercise.id}.{field.id}"), f"arg.workshop.{exercise.id}.{field.id}"
    if field.choices:
        chosen = st.radio(
            label,
            field.choices,
            index=None,
            format_func=lambda choice: t(f"workshop.{exercise.id}.{field.id}.{choice}"),
            key=key,
        )
        return chosen or ""
    return st.text_input(label, key=key, max_chars=200, autocomplete="off")


def _found(exercise: Exercise) -> None:
    found = st.session_state.get(_FOUND, {}).get(exercise.id)
    if isinstance(found, Problem):
        sentence.problem(found)
    elif isinstance(found, ExerciseVerdict):
        box, icon = (st.success, "check_circle") if found.done else (st.warning, "info")
        box(prose(found.said), icon=f":material/{icon}:")
        if found.trace is not None and found.trace.steps:
            with st.expander(t("workshop.how"), icon=":material/account_tree:", key=f"workshop.how.{exercise.id}"):
                flow(drawing(found.trace, {}, {}, now=time.time()), key=f"workshop.flow.{exercise.id}")
