"""The Login relay page: the chat's verdict, its link with code and QR code, what the chatbot holds, and the steps."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import urlsplit

import segno
import streamlit as st

from app import chatbot
from app.chatbot import NEW_LOGIN, ChatLink, ChatView
from app.claims import clock
from app.flow.drawing import drawing
from app.process import AppProcess
from app.session import Person
from app.texts import t
from app.view import press, sentence, visitor
from app.view.cards import table
from app.view.countdown import countdown
from app.view.flow import flow
from app.view.plain import mono, plain, prose
from app.view.trace_view import announced, downloads
from fastmcp_vault.errors import Problem

ANSWER_SECONDS = 30.0
LOOK_EVERY = 2.0
"""Seconds between looks while a login is under way."""

QR_SCALE = 3
"""Pixels for each of a link's 90 or so modules: what a camera wants, and shown as drawn, never scaled."""

_WAITING = f"{visitor.KEPT}.relay.waiting"
_ANSWER = f"{visitor.KEPT}.relay.answer"
_SAID = f"{visitor.KEPT}.relay.said"
_PROBLEM = f"{visitor.KEPT}.relay.problem"
_ISSUE = "arg.relay.issue"

T = TypeVar("T")


def show(person: Person) -> None:
    """The page for this person; it looks again by itself while somebody is signing in."""
    waiting = bool(st.session_state.get(_WAITING))
    st.fragment(_page, run_every=LOOK_EVERY if waiting else None)(person.sub, waiting)


def _page(user: str, waiting: bool) -> None:
    chat = _look(user)
    if chat is None:
        return
    st.session_state[_WAITING] = chat.under_way
    if waiting != chat.under_way:
        st.rerun()
    _verdict(chat)
    left, right = st.columns([5, 7], gap="large")
    with left:
        _login(user, chat)
        if chat.status == "linked":
            _ask(user)
            _holds(user, chat)
            if not chat.under_way:
                _get_link(user, chat)
    with right:
        _trace(chat)


def _verdict(chat: ChatView) -> None:
    if chat.status == "linked":
        name, since = plain(chat.facts["username"]), clock(chat.facts["linked_at"])
        st.success(t("relay.linked", username=name, since=since), icon=":material/verified_user:")
    elif chat.status == "ended":
        st.warning(f"{t('relay.ended')} {prose(chat.ended)}", icon=":material/link_off:")
    else:
        st.info(t("relay.nobody"), icon=":material/forum:")
    if chat.login == "failed":
        st.error(f"{t('relay.failed')} {prose(chat.failed)}", icon=":material/error:")
    elif chat.login == "expired" and chat.status != "linked":
        st.info(t("relay.expired"), icon=":material/timer_off:")
    if said := st.session_state.pop(_SAID, ""):
        st.info(said, icon=":material/info:")
    if problem := st.session_state.pop(_PROBLEM, None):
        sentence.problem(problem)


def _login(user: str, chat: ChatView) -> None:
    if chat.link is not None:
        _link(chat.link)
    elif chat.under_way:
        st.info(t("relay.signing-in"), icon=":material/hourglass_top:")
    elif chat.status != "linked":
        _get_link(user, chat)


def _get_link(user: str, chat: ChatView) -> None:
    again = chat.status == "linked"
    if again:
        st.subheader(t("relay.get.again"), anchor=False)
    st.markdown(t("relay.get.lead"))
    kind = "secondary" if again else "primary"
    press.button(t("relay.get"), type=kind, icon=":material/add_link:", key="relay.get")
    if press.taken("relay.get"):
        st.session_state[_WAITING] = _act(chatbot.ask_for_link(AppProcess.current(), user)) is not None
        st.session_state.pop(_ANSWER, None)
        st.rerun()


def _link(link: ChatLink) -> None:
    with st.container(border=True, key="relay-link"):
        st.caption(t("relay.chat-says"))
        st.markdown(t("relay.chat-text"))
        with st.container(horizontal=True, vertical_alignment="center", gap="large"):
            st.metric(t("relay.code"), link.code, width="content")
            countdown(link.expires_at, key="relay.left")
        st.link_button(t("relay.open"), link.login_url, type="primary", icon=":material/open_in_new:")
        local = urlsplit(link.login_url).hostname == "localhost"
        caption = t("relay.qr.local" if local else "relay.qr")
        st.image(_qr(link.login_url), caption=caption, width="content", output_format="PNG")
    st.caption(t("relay.warn"))


@st.cache_data(max_entries=1, show_spinner=False, scope="session")
def _qr(url: str) -> bytes:
    """Black on white with its quiet zone, whatever the theme: that is what cameras read."""
    drawn = BytesIO()
    segno.make(url, error="l", micro=False).save(drawn, kind="png", scale=QR_SCALE, border=4)
    return drawn.getvalue()


def _ask(user: str) -> None:
    st.subheader(t("relay.ask"), anchor=False)
    with st.form("relay.ask", border=False):
        key = st.text_input(t("relay.ask.label"), value="PROJ-1", max_chars=64, key=_ISSUE)
        press.form_submit_button(t("relay.ask.do"), icon=":material/send:", key="relay.ask.do")
    if press.taken("relay.ask.do") and key.strip():
        st.session_state[_ANSWER] = _act(chatbot.issue(AppProcess.current(), user, key.strip()))
        st.rerun()
    answer: dict[str, Any] | None = st.session_state.get(_ANSWER)
    if answer:
        with st.chat_message("assistant", avatar=":material/smart_toy:"):
            named = f"**{plain(answer.get('key', ''))}** {plain(answer.get('summary', ''))}"
            st.markdown(f"{named} · {plain(answer.get('status', ''))}")


def _holds(user: str, chat: ChatView) -> None:
    facts = chat.facts
    st.subheader(t("relay.holds"), anchor=False)
    st.markdown(t("relay.vault-path", path=mono(facts["vault_path"]), version=plain(facts["vault_version"])))
    table(
        [
            (t("person.username"), plain(facts["username"])),
            (t("relay.offline-token"), mono(facts["offline_refresh_token"])),
            (t("relay.refreshed-at"), plain(clock(facts["refreshed_at"]))),
            (t("relay.access-token"), mono(facts["access_token"] or "—")),
        ]
    )
    if facts.get("access_expires_at"):
        countdown(float(facts["access_expires_at"]), key=f"relay.access.{facts['vault_version']}")
    with st.container(horizontal=True):
        press.button(t("relay.refresh"), icon=":material/autorenew:", key="relay.refresh")
        press.button(t("relay.revoke"), icon=":material/block:", key="relay.revoke", help=t("relay.revoke.help"))
    if press.taken("relay.refresh"):
        _act(chatbot.refresh(AppProcess.current(), user), t("relay.refreshed"))
        st.rerun()
    if press.taken("relay.revoke"):
        _act(chatbot.revoke(AppProcess.current(), user), t("relay.revoked"))
        st.rerun()


def _trace(chat: ChatView) -> None:
    st.subheader(t("trace.title"), anchor=False)
    if not chat.trace.steps:
        st.caption(t("relay.trace.none"))
        announced()
        return
    st.container(key="trace.summary").markdown(t("relay.trace.of", action=chat.trace.action, id=chat.trace.id))
    with st.container(horizontal=True):
        downloads(chat.trace)
    flow(drawing(chat.trace, {}, {}, now=time.time()), key="relay.flow")


def _look(user: str) -> ChatView | None:
    """The chat; None, and the reason on the page, when the chatbot does not say."""
    try:
        return AppProcess.current().loop.run(chatbot.look(AppProcess.current(), user), timeout=ANSWER_SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return None


def _act(work: Coroutine[Any, Any, T], said: str = "") -> T | None:
    """What ``work`` gave; what is to be said of it, or why it failed, is kept for the page's next run.

    That a new sign-in is needed is the verdict of that run, and is not said twice.
    """
    try:
        done = AppProcess.current().loop.run(work, timeout=ANSWER_SECONDS)
    except Problem as problem:
        if problem.detail.get("code") != NEW_LOGIN:
            st.session_state[_PROBLEM] = problem
        return None
    st.session_state[_SAID] = said
    return done
