"""The top of a page: its title, who is signed in, and the guard of pages that need somebody."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import streamlit as st

from app.process import AppProcess
from app.session import Person, Visit
from app.texts import t
from app.view import sentence
from app.view.account import account
from fastmcp_vault.errors import Problem, SessionEnded

T = TypeVar("T")

KEPT = "kept"
"""Where a page keeps, in this browser tab's own state, what it made for the person."""

_BOUND, _OWNER, _KEPT_TYPED = "bound.sid", "bound.sub", "bound.kept"
"""Which session this tab shows, whose the last was, and that what they had typed is kept for their next sign-in."""

_PERSONAL = (KEPT, "arg.", "pick.", "share.")


def visit() -> Visit:
    """The look-up that the frame made for this run."""
    found = st.session_state["visit"]
    return found if isinstance(found, Visit) else Visit()


def outcome(work: Coroutine[Any, Any, T], *, timeout: float) -> T | Problem:
    """What ``work`` gave within ``timeout`` seconds, or its Problem; a session that ended has its person sign in."""
    try:
        return AppProcess.current().loop.run(work, timeout=timeout)
    except SessionEnded:
        st.rerun()
    except Problem as problem:
        return problem


def head(title: str, lead: str, *, back_to: str) -> None:
    """Title on the left, the account on the right, the lead below."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(title, anchor=False)
    with right:
        account(visit().person, back_to=back_to, key="account.head", end=True)
    st.markdown(lead)


def here(path: str) -> str:
    """The page at ``path`` with what its address asks for, so that a link to a step survives the sign-in."""
    query = urlencode(st.query_params.to_dict())
    return f"{path}?{query}" if query else path


def notice() -> None:
    """Why nobody is signed in, where that needs saying."""
    found = visit()
    if found.ended:
        st.warning(t("session.ended"), icon=":material/logout:")
    elif found.problem is not None:
        sentence.problem(found.problem)


class Losing(Protocol):
    """What a page does with what the person with the user id ``sub`` typed, before it stops without drawing it."""

    def __call__(self, sub: str, *, ended: bool) -> bool:
        """Whether it is kept for their next sign-in, as it should be if the session has ``ended``."""


def needed(*, losing: Losing | None = None) -> Person:
    """The signed-in person; without one, the reason, and the page stops here.

    What a page kept for one session is dropped as soon as it is not that session that looks.
    """
    found = visit()
    sid = found.person.sid if found.person else ""
    if found.person is None and losing is not None and (sub := st.session_state.get(_OWNER)):
        # Before the next lines drop it.
        st.session_state[_KEPT_TYPED] = losing(sub, ended=found.ended) or st.session_state.get(_KEPT_TYPED, False)
    if found.problem is None and st.session_state.get(_BOUND) != sid:
        for name in [str(n) for n in st.session_state]:
            if name.startswith(_PERSONAL):
                del st.session_state[name]
        st.session_state[_BOUND] = sid
    if found.person is None:
        notice()
        if found.ended and st.session_state.get(_KEPT_TYPED):
            st.info(t("typed.kept"), icon=":material/save:")
        if not found.ended and found.problem is None:
            st.info(t("session.needed"), icon=":material/login:")
        st.stop()
    st.session_state[_OWNER], st.session_state[_KEPT_TYPED] = found.person.sub, False
    return found.person
