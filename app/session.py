"""Who is looking at this page: the one place that reads the cookie, and that tests replace."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.process import AppProcess
from fastmcp_vault.errors import AccessSuspended, Problem, SessionEnded

COOKIE = "mcp_demo_session"
SECURE_COOKIE = "__Host-mcp_demo_session"
"""The cookie's name over https: the prefix makes browsers refuse it from anywhere but this very host."""

LOOKUP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, without any token."""

    username: str
    email: str
    sub: str
    sid: str
    signed_in_at: float
    roles: frozenset[str] = frozenset()
    """Realm roles: for what a page shows; what it does is checked again."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at the page: a person, or why there is none. ``ended`` tells a session that is over from none at all."""

    person: Person | None = None
    cookie: str = ""
    ended: bool = False
    problem: Problem | None = None


def cookie_name(*, https: bool) -> str:
    """The session cookie's name."""
    return SECURE_COOKIE if https else COOKIE


def refusal_status(problem: Problem) -> int:
    """The HTTP status that tells a program why it has no session: 401 to sign in, 403 suspended, 503 not known now."""
    return 401 if isinstance(problem, SessionEnded) else 403 if isinstance(problem, AccessSuspended) else 503


def current() -> Visit:
    """Who the browser's cookie belongs to, looked up on the server at every run of a page."""
    try:
        process = AppProcess.current()
        cookie = st.context.cookies.get(cookie_name(https=process.settings.https), "")
        if not cookie:
            return Visit()
        session = process.loop.run(process.sessions.renewed(cookie), timeout=LOOKUP_SECONDS)
    except SessionEnded:
        return Visit(ended=True)
    except Problem as problem:
        return Visit(problem=problem)
    person = Person(session.username, session.email, session.sub, session.sid, session.signed_in_at, session.roles)
    return Visit(person=person, cookie=cookie)
