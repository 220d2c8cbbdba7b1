"""The facilitator's page: a switch for each MCP server, and everybody who is signed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Coroutine
from typing import Any, Literal, TypeVar

import streamlit as st

from app import room
from app.claims import clock, left
from app.process import AppProcess
from app.room import FACILITATOR, Calling, Present, Server
from app.session import Person
from app.texts import t
from app.view import press, sentence, visitor
from app.view.plain import plain
from fastmcp_vault.errors import Problem
from fastmcp_vault.state import Principal, PrincipalSuspension

SECONDS = 10.0
"""How long looking, or doing one thing, may take."""

EVERY = "5s"
"""How often the page looks again by itself."""

REPORT = "kept.room.report"
"""Where the outcome of a suspension stands until the next button is pressed."""

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
    if report := st.session_state.get(REPORT):
        st.info(plain(report), icon=":material/fact_check:")
    st.subheader(t("room.servers"), anchor=False)
    for column, server in zip(st.columns(len(found.servers)), found.servers, strict=True):
        with column.container(border=True, height="stretch", key=f"server-{server.name}"):
            _server(server)
    st.subheader(t("room.people", count=len(found.people)), anchor=False)
    suspended = {suspension.principal for suspension in found.suspended}
    for present in found.people:
        with st.container(border=True, key=f"session-{present.session.sid}"):
            _present(present, me=person, suspended=suspended)
    if found.clients:
        st.subheader(t("room.clients"), anchor=False)
        for client in found.clients:
            with st.container(border=True, key=f"client-{client.principal.id}"):
                _client(client, suspended)
    if found.suspended:
        st.subheader(t("room.suspended"), anchor=False)
        for suspension in found.suspended:
            with st.container(border=True, key=f"suspended-{suspension.principal.id}"):
                _suspended(suspension)


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


def _present(present: Present, *, me: Person, suspended: Collection[Principal]) -> None:
    session, now, mine = present.session, time.time(), present.session.sid == me.sid
    who, what, action = st.columns([2, 4, 3], vertical_alignment="center")
    who.markdown(f"**{plain(session.username)}**" + (f" · {t('room.you')}" if mine else ""))
    held = [t("room.token", server=plain(k.server), left=left(k.expires_at, now)) for k in present.tokens]
    what.markdown(" ".join(f":blue-badge[:material/key: {words}]" for words in held) or t("room.nothing"))
    if not mine:
        with action, st.container(horizontal=True):
            _button("room.end", "logout", session.sid, lambda cookie: room.end(AppProcess.current(), cookie, session))
            principal = Principal("person", AppProcess.current().settings.issuer, session.sub)
            if session.sub != me.sub and principal not in suspended:
                _suspend(principal, session.username, key=session.sid)


def _client(client: Calling, suspended: Collection[Principal]) -> None:
    name, action = st.columns([6, 3], vertical_alignment="center")
    name.markdown(f"**{plain(client.principal.id)}** · {t('room.held', count=client.held)}")
    if client.principal not in suspended:
        with action:
            _suspend(client.principal, client.principal.id, key=client.principal.id)


def _suspend(principal: Principal, name: str, *, key: str) -> None:
    """The question why, and the button that refuses a person or a client everywhere."""
    with st.popover(t("room.suspend"), icon=":material/block:", key=f"suspend-{key}"):
        st.caption(t(f"room.suspend.{principal.kind}", name=plain(name)))
        reason = st.text_input(
            t("room.reason"), max_chars=room.REASON_LIMIT, key=f"reason-{key}", help=t("room.reason.help")
        )

        async def act(cookie: str) -> str:
            done = await room.suspend_principal(AppProcess.current(), cookie, principal, name, reason)
            told = "room.revoked" if not done.left else "room.revoked.not"
            return t(
                told, name=name, held=done.held, revoked=done.held - done.left, left=done.left, waiting=done.waiting
            )

        _button("room.suspend.everywhere", "block", key, act, kind="primary")


def _suspended(suspension: PrincipalSuspension) -> None:
    said, action = st.columns([6, 3], vertical_alignment="center")
    kind = t(f"room.kind.{suspension.principal.kind}")
    since = t("room.since-by", when=clock(suspension.since), by=plain(suspension.by))
    said.markdown(f"**{plain(suspension.name)}** :red-badge[:material/block: {kind}]")
    said.caption(f"{since} {plain(suspension.reason)}".strip())
    with action:
        _button(
            "room.resume.principal",
            "play_arrow",
            suspension.principal.id,
            lambda cookie: room.resume_principal(AppProcess.current(), cookie, suspension.principal),
        )


def _button(
    label: str,
    icon: str,
    key: str,
    act: Callable[[str], Coroutine[Any, Any, str | None]],
    *,
    kind: Literal["primary", "secondary"] = "secondary",
) -> None:
    """A button that does one thing with the person's cookie, keeps what there is to tell of it, and looks again."""
    press.button(t(label), icon=f":material/{icon}:", key=f"{label}.{key}", type=kind)
    if press.taken(f"{label}.{key}"):
        try:
            said = _done(act(visitor.visit().cookie))
        except Problem as problem:
            sentence.problem(problem)
        else:
            st.session_state[REPORT] = said
            st.rerun(scope="fragment")


def _done(work: Coroutine[Any, Any, R]) -> R:
    return AppProcess.current().loop.run(work, timeout=SECONDS)
