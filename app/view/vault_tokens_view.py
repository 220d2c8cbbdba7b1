"""The Vault tokens page: make one, see it once, and look after those that live."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import streamlit as st
from pydantic import SecretStr

from app import token_api
from app.process import AppProcess
from app.texts import t
from app.token_api import PERMISSIONS, IssuedToken
from app.view import press, sentence, visitor
from app.view.cards import table
from app.view.countdown import countdown
from app.view.plain import mono, plain
from fastmcp_vault.errors import Problem

ANSWER_SECONDS = 20.0

_SAID = f"{visitor.KEPT}.tokens.said"
_MADE = f"{visitor.KEPT}.tokens.made"
_NAME, _ALLOWED, _TOKEN = "arg.tokens.name", "arg.tokens.allowed", "arg.tokens.token"

T = TypeVar("T")


def show() -> None:
    """The page for whoever is signed in."""
    left, right = st.columns([5, 7], gap="large")
    with left:
        _make()
        _look_up()
    with right:
        _living()


def _make() -> None:
    st.subheader(t("tokens.make"), anchor=False)
    with st.form("tokens.make", border=False):
        name = st.text_input(t("tokens.name"), key=_NAME, max_chars=100, placeholder=t("tokens.name.example"))
        allowed = st.pills(
            t("tokens.permissions"),
            PERMISSIONS,
            selection_mode="multi",
            default=["read"],
            format_func=lambda permission: t(f"tokens.permission.{permission}"),
            key=_ALLOWED,
        )
        press.form_submit_button(t("tokens.make.do"), type="primary", icon=":material/key:", key="tokens.make.do")
    pressed = press.taken("tokens.make.do")
    if pressed and not name.strip():
        st.warning(t("tokens.name.needed"), icon=":material/edit:")
    elif pressed:

        def keep(token: SecretStr) -> None:
            st.session_state[_MADE] = name, token

        _done(token_api.create(*_who(), name, allowed), t("tokens.making"), keep=keep)
    _made()


def _made() -> None:
    """The token just made, until it has been drawn once; then only the browser has it."""
    made: tuple[str, SecretStr] | None = st.session_state.get(_MADE)
    if made is not None:
        st.success(t("tokens.made", name=plain(made[0])), icon=":material/check_circle:")
        st.code(made[1].get_secret_value(), language=None, wrap_lines=True)
        del st.session_state[_MADE]


def _living() -> None:
    st.subheader(t("tokens.living"), anchor=False)
    said = st.session_state.pop(_SAID, None)
    if said:
        st.success(said, icon=":material/check_circle:")
    found = _done(token_api.listed(*_who()), t("tokens.listing"))
    if found is None:
        return
    if not found:
        st.markdown(t("tokens.none"))
    for issued in found:
        _one(issued)


def _one(issued: IssuedToken) -> None:
    with st.container(border=True, key=f"token-{issued.accessor}"):
        named, left = st.columns([3, 2], vertical_alignment="center")
        named.markdown(f"**{plain(issued.name)}** {_badges(issued.permissions)}")
        with left:
            countdown(issued.expires_at, key=f"left.{issued.accessor}")
        st.caption(f"{t('tokens.accessor')} {mono(issued.accessor)}")
        with st.container(horizontal=True):
            press.button(t("tokens.renew"), icon=":material/restart_alt:", key=f"renew.{issued.accessor}")
            press.button(t("tokens.revoke"), icon=":material/block:", key=f"revoke.{issued.accessor}")
    if press.taken(f"renew.{issued.accessor}"):
        _and_again(token_api.renew(*_who(), issued.accessor), t("tokens.renewed", name=plain(issued.name)))
    if press.taken(f"revoke.{issued.accessor}"):
        _and_again(token_api.revoke(*_who(), issued.accessor), t("tokens.revoked", name=plain(issued.name)))


def _look_up() -> None:
    st.subheader(t("tokens.look-up"), anchor=False)
    with st.form("tokens.look-up", border=False, clear_on_submit=True):
        token = st.text_input(t("tokens.token"), type="password", key=_TOKEN, autocomplete="off")
        press.form_submit_button(t("tokens.look-up.do"), icon=":material/search:", key="tokens.look-up.do")
    if not press.taken("tokens.look-up.do") or not token.strip():
        return
    known = _done(token_api.look_up(_who()[0], SecretStr(token.strip())), t("tokens.looking"))
    if known is None:
        return
    table(
        [
            (t("tokens.user"), mono(known.user)),
            (t("tokens.permissions"), _badges(known.permissions)),
            (t("tokens.accessor"), mono(known.accessor)),
            (t("tokens.renewable"), t("tokens.yes") if known.renewable else t("tokens.no")),
        ]
    )
    countdown(known.expires_at, key="left.looked-up")


def _badges(permissions: tuple[str, ...]) -> str:
    named = [f":blue-badge[{t(f'tokens.permission.{name}')}]" for name in PERMISSIONS if name in permissions]
    return " ".join(named) or f":gray-badge[{t('tokens.permission.none')}]"


def _who() -> tuple[AppProcess, str]:
    return AppProcess.current(), visitor.visit().cookie


def _done(work: Coroutine[Any, Any, T], waiting: str, *, keep: Callable[[T], None] = lambda _: None) -> T | None:
    """What ``work`` gave, handed to ``keep`` before anything is drawn; None, and why on the page, when it failed."""
    try:
        with st.spinner(waiting):
            done = AppProcess.current().loop.run(work, timeout=ANSWER_SECONDS)
            keep(done)
            return done
    except Problem as problem:
        sentence.problem(problem)
        return None


def _and_again(work: Coroutine[Any, Any, None], said: str) -> None:
    """Do it, and draw the list anew with what was done above it."""
    try:
        AppProcess.current().loop.run(work, timeout=ANSWER_SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    st.session_state[_SAID] = said
    st.rerun()
