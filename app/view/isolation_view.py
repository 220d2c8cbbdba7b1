"""Isolation: my row against everybody, and for the facilitator everybody against everybody."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import streamlit as st

from app.lab import rows
from app.lab.isolation import THINGS, Cell
from app.lab.people import LabClosed, everybody
from app.lab.sheet import kept, row_sheet, summary, whole_sheet
from app.process import AppProcess
from app.room import FACILITATOR
from app.session import Person
from app.texts import t
from app.view import press, sentence, traces, visitor
from app.view.plain import prose
from app.view.sheet import sheet
from fastmcp_vault.errors import Problem

ANSWER_SECONDS = 40.0
"""How long the next cell may take to come."""

MOVES = 50
"""How often the bar moves, about: more would only keep the browser busy."""

CHOSEN = "cell"
"""The query parameter that names the cell whose proof is open."""

_ROW, _WHOLE = f"{visitor.KEPT}.iso.row", f"{visitor.KEPT}.iso.whole"


def show(person: Person) -> None:
    """The page for this person."""
    whole = FACILITATOR in person.roles and _demo() and _what() == "whole"
    names = _people() if whole else _owners(person)
    held: dict[str, Cell] = st.session_state.setdefault(_WHOLE if whole else _ROW, {})
    press.button(t("iso.try"), type="primary", icon=":material/grid_on:", key="iso.try", disabled=not names)
    told = st.container(key="iso.verdict")
    with told:
        if press.waits("iso.try"):
            process, cookie = AppProcess.current(), visitor.visit().cookie
            coming = (rows.whole_grid if whole else rows.my_row)(process, cookie, names)
            _try(held, coming, len(names) * len(THINGS) * (len(names) if whole else 1))
        _verdict(held)
    chosen = str(st.query_params.get(CHOSEN, ""))
    data = whole_sheet(names, held, chosen) if whole else row_sheet(person.username, names, held, chosen)
    sheet(data, key="iso.sheet.whole" if whole else "iso.sheet.row", on_choose=_choose)


def _choose(cell: str) -> None:
    st.query_params[CHOSEN] = cell


def _demo() -> bool:
    try:
        return bool(everybody(AppProcess.current().settings))
    except LabClosed:
        return False


def _what() -> str:
    return str(
        st.segmented_control(
            t("iso.choose"),
            ["row", "whole"],
            default="row",
            required=True,
            format_func=lambda name: t(f"iso.{name}"),
            key="pick.iso",
        )
    )


def _people() -> list[str]:
    """Whom the facilitator puts into the grid: by default the file's first who hold anything."""
    people = everybody(AppProcess.current().settings)
    able = rows.able(AppProcess.current())
    usual = [name for name in able if people[name].holds][:4]
    return list(
        st.multiselect(
            t("iso.people"),
            able,
            default=usual,
            max_selections=rows.AT_ONCE,
            help=t("iso.people.help"),
            key="pick.iso.people",
        )
    )


def _owners(person: Person) -> list[str]:
    known = rows.names(AppProcess.current(), person.username)
    if len(known) > 1:
        return known
    typed = st.text_input(t("iso.others"), help=t("iso.others.help"), key="pick.iso.others")
    return list(dict.fromkeys([person.username, *rows.usable(typed)]))


def _try(held: dict[str, Cell], coming: AsyncGenerator[Cell], count: int) -> None:
    """Every cell, with a bar that moves as answers come."""
    slot = st.empty()
    bar = slot.progress(0.0, t("iso.signing-in"))
    press.taken("iso.try")
    held.clear()
    try:
        for done, cell in enumerate(AppProcess.current().loop.stream(coming, timeout=ANSWER_SECONDS), start=1):
            held.update(kept([cell]))
            traces.note(cell.correlation_id, t("action.isolation", place=cell.thing.place(cell.owner)))
            if done == count or done % (count // MOVES + 1) == 0:
                bar.progress(min(1.0, done / count), t("iso.trying", done=done, count=count))
    except Problem as problem:
        sentence.problem(problem)
    slot.empty()


def _verdict(held: dict[str, Cell]) -> None:
    kind, text = summary(held)
    if kind == "good":
        st.success(prose(text), icon=":material/verified_user:")
    elif kind == "bad":
        st.error(prose(text), icon=":material/gpp_bad:")
    elif kind == "unclear":
        st.warning(prose(text), icon=":material/help:")
    else:
        st.info(prose(text), icon=":material/grid_on:")
