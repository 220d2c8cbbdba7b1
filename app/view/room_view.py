"""The facilitator's page: a switch for each MCP server, and everybody who is signed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar

import streamlit as st

from app import room
from app.claims import clock, left
from app.process import AppProcess
from app.room import FACILITATOR, Present, Server
from app.session import Person
from app.texts import t
from app.view import press, sentence, visitor
from app.view.plain import plain
from fastmcp_vault.errors import Problem

SECONDS = 10.0
"""How long looking, or doing one thing, may take."""

EVERY = "5s"
"""How often the page looks again by itself."""

R = TypeVar("R")


def show(person: Person) -> None:
    """The room, for a facilitator; for anybody else why there is nothing to see."""
    if FACILITATOR not in person.roles:
        st.info(f"{t('room.only')} {t('room.only.fix')}", icon=":material/lock:")
        return
    _room(person)


@st.fragment(run_every=EVERY)
def _room(person: Person) -> None:
    try:
        found = _done(room.look(AppProcess.current(), visitor.visit().cookie))
    except Problem as problem:
        sentence.problem(problem)
        return
    st.subheader(t("room.servers"), anchor=False)
    for column, server in zip(st.columns(len(found.servers)), found.servers, strict=True):
        with column.container(border=True, height="stretch", key=f"server-{server.name}"):
            _server(server)
    st.subheader(t("room.people", count=len(found.people)), anchor=False)
    for present in found.people:
        with st.container(border=True, key=f"session-{present.session.sid}"):
            _present(present, mine=present.session.sid == person.sid)


def _server(server: Server) -> None:
    stopped, name = server.suspension, server.name
    colour, icon, word = ("red", "block", "stopped") if stopped else ("green", "check_circle", "serving")
    st.markdown(f"**{plain(name)}** :{colour}-badge[:material/{icon}: {t(f'room.{word}')}]")
    if stopped:
        since = t("room.since", when=clock(stopped.since))
        st.caption(f"{since} {plain(stopped.reason)}".strip())
        _button("room.resume", "play_arrow", name, lambda cookie: room.resume(AppProcess.current(), cookie, name))
        return
    st.caption(t("room.held", count=server.held))
    with st.popover(t("room.suspend"), icon=":material/block:", key=f"suspend-{name}"):
        reason = st.text_input(
            t("room.reason"), max_chars=room.REASON_LIMIT, key=f"reason-{name}", help=t("room.reason.help")
        )
        _button(
            "room.suspend.now",
            "block",
            name,
            lambda cookie: room.suspend(AppProcess.current(), cookie, name, reason),
            kind="primary",
        )


def _present(present: Present, *, mine: bool) -> None:
    session, now = present.session, time.time()
    who, what, action = st.columns([2, 4, 2], vertical_alignment="center")
    who.markdown(f"**{plain(session.username)}**" + (f" · {t('room.you')}" if mine else ""))
    held = [t("room.token", server=plain(k.server), left=left(k.expires_at, now)) for k in present.tokens]
    what.markdown(" ".join(f":blue-badge[:material/key: {words}]" for words in held) or t("room.nothing"))
    if not mine:
        with action:
            _button("room.end", "logout", session.sid, lambda cookie: room.end(AppProcess.current(), cookie, session))


def _button(
    label: str,
    icon: str,
    key: str,
    act: Callable[[str], Coroutine[Any, Any, None]],
    *,
    kind: Literal["primary", "secondary"] = "secondary",
) -> None:
    """A button that does one thing with the person's cookie, and then looks again."""
    press.button(t(label), icon=f":material/{icon}:", key=f"{label}.{key}", type=kind)
    if press.taken(f"{label}.{key}"):
        try:
            _done(act(visitor.visit().cookie))
        except Problem as problem:
            sentence.problem(problem)
        else:
            st.rerun(scope="fragment")


def _done(work: Coroutine[Any, Any, R]) -> R:
    return AppProcess.current().loop.run(work, timeout=SECONDS)
