"""The My secrets page: what Vault holds for the person, a database user on demand, and what an application holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st
from pydantic import SecretStr

from app import my_secrets
from app.claims import clock
from app.flow.drawing import drawing
from app.my_secrets import Answered, Mine, OwnDatabaseUser, SecretsDone, Stored
from app.process import AppProcess
from app.texts import t
from app.view import accounts_view, application_view, press, sentence, traces, visitor
from app.view.cards import table
from app.view.countdown import countdown
from app.view.flow import flow
from app.view.plain import mono, plain
from app.view.revealed import SECONDS, revealed
from app.view.trace_view import summary
from fastmcp_vault.errors import Problem

ANSWER_SECONDS = 20.0

_KEPT = f"{visitor.KEPT}.own"
_SHOWN = f"{visitor.KEPT}.own.shown"
_USER = "user"
"""What is revealed where it is not a secret of the KV engine: the database user's password."""


@dataclass(slots=True)
class SecretsPageState:
    """What the page remembers between runs: the last action, what was said of it, what PostgreSQL answered."""

    last: SecretsDone | None = None
    said: str = ""
    tried: Answered | Problem | None = None


def show() -> None:
    """The page for whoever is signed in: their own secrets, or the example application's."""
    whose = st.segmented_control(
        t("own.whose"),
        ["mine", "application"],
        default="mine",
        required=True,
        format_func=lambda name: t(f"own.whose.{name}"),
        key="pick.own.whose",
        label_visibility="collapsed",
    )
    if whose == "application":
        application_view.page()
        return
    kept: SecretsPageState = st.session_state.setdefault(_KEPT, SecretsPageState())
    done = _asked(my_secrets.look(*_who()), t("own.looking"))
    if done is None or done.mine is None:
        return
    if kept.last is None:
        kept.last = done
        traces.remember(done.trace)
    _verdict(done.mine, kept)
    stored, user = st.columns([7, 5], gap="large")
    with stored:
        _stored(done.mine)
        accounts_view.section()
    with user:
        _database(kept, done.mine.user)
    with st.expander(t("own.trace"), icon=":material/account_tree:"):
        st.markdown(summary(kept.last.trace))
        flow(drawing(kept.last.trace, {}, {}, now=time.time()), key="own.flow")


def _verdict(mine: Mine, kept: SecretsPageState) -> None:
    if mine.stored:
        st.success(t("own.verdict", entity=plain(mine.entity), count=len(mine.stored)), icon=":material/verified_user:")
    else:
        st.info(t("own.verdict.none", entity=plain(mine.entity)), icon=":material/inbox:")
    with st.container():  # Always there, so that what stands below keeps its place.
        if kept.said:
            st.success(kept.said, icon=":material/check_circle:")
            kept.said = ""
    with st.container(horizontal=True, vertical_alignment="center", key="own.login"):
        names = " ".join(mono(policy) for policy in mine.policies)
        st.markdown(f"{t('own.login')} {names}", width="content")
        countdown(mine.until, key="left.own.login")


def _stored(mine: Mine) -> None:
    st.subheader(t("own.stored"), anchor=False)
    if not mine.stored:
        st.markdown(t("own.stored.none", path=mono(f"secret/data/users/{mine.entity}/")))
    for stored in mine.stored:
        with st.container(border=True, key=f"own-{stored.name}"):
            _secret(stored)


@st.fragment
def _secret(stored: Stored) -> None:
    newest = stored.versions[0].number if stored.versions else 0
    st.markdown(f"**{plain(stored.name)}** :blue-badge[{t('own.version', number=newest)}]")
    st.caption(mono(stored.path))
    if stored.problem is not None:
        sentence.problem(stored.problem)
    version = _version(stored)
    if _shown_until(stored.name, version) > time.time():
        _reveal(stored.name, version, lambda: my_secrets.reveal(*_who(), stored.name, version))
        return
    if version == newest:
        table([(plain(name), mono(value)) for name, value in stored.fields.items()])
    if version:
        _reveal_button(stored.name, version)


def _version(stored: Stored) -> int:
    """The version to look at: the newest, or another one that is kept; 0 where there is none to be had."""
    live = [one for one in stored.versions if not one.gone]
    if len(stored.versions) < 2 or not live:
        return live[0].number if live else 0
    written = {one.number: clock(one.created_at) for one in live}
    chosen = st.selectbox(
        t("own.versions"),
        list(written),
        format_func=lambda number: t("own.version.of", number=number, written=written[number]),
        key=f"pick.own.version.{stored.name}",
    )
    return int(chosen)


def _database(kept: SecretsPageState, user: OwnDatabaseUser | None) -> None:
    st.subheader(t("own.user"), anchor=False)
    if user is None:
        st.markdown(t("own.user.about"))
    else:
        with st.container(border=True, key="own-database-user"):
            _user(user)
            with st.container():
                _tried(kept.tried)
            _user_buttons(kept, user)
    if (user is None or not user.lives) and _button("own.user.make", "add", _USER, kind="primary"):
        _act(kept, my_secrets.make_user(*_who()), "own.user.made")


@st.fragment
def _user(user: OwnDatabaseUser) -> None:
    named, left = st.columns([3, 2], vertical_alignment="center")
    colour, icon, word = ("green", "check_circle", "lives") if user.lives else ("gray", "block", "ended")
    named.markdown(f":{colour}-badge[:material/{icon}: {t(f'own.user.{word}')}]")
    if user.lives:
        with left:
            countdown(user.until, key="left.own.user")
    table([(t("own.user.name"), mono(user.username)), (t("own.user.password"), mono(user.masked))])
    if _shown_until(_USER, 0) > time.time():
        _reveal(_USER, 0, lambda: _password(*_who()))
    else:
        _reveal_button(_USER, 0)


async def _password(process: AppProcess, cookie: str) -> dict[str, SecretStr]:
    return {t("own.user.password"): await my_secrets.password(process, cookie)}


def _user_buttons(kept: SecretsPageState, user: OwnDatabaseUser) -> None:
    with st.container(horizontal=True):
        if _button("own.user.try", "play_arrow", _USER):

            def tried(done: SecretsDone) -> None:
                _keep(kept, done)
                kept.tried = done.answered or done.problem

            if _asked(my_secrets.try_user(*_who()), t("own.trying"), keep=tried, quiet=True) is not None:
                st.rerun()
        if user.lives and _button("own.user.renew", "restart_alt", _USER):
            _act(kept, my_secrets.renew(*_who()), "own.user.renewed")
        if user.lives and _button("own.user.revoke", "block", _USER):
            _act(kept, my_secrets.revoke(*_who()), "own.user.revoked")


def _tried(tried: Answered | Problem | None) -> None:
    if isinstance(tried, Problem):
        sentence.problem(tried)
    elif tried is not None:
        tables = ", ".join(mono(name) for name in tried.tables) or t("own.tried.nothing")
        st.success(
            t("own.tried", user=mono(tried.user), ms=f"{tried.milliseconds:.0f}", tables=tables),
            icon=":material/database:",
        )


def _act(kept: SecretsPageState, work: Coroutine[Any, Any, SecretsDone], said: str) -> None:
    """Do it, and draw the page anew with what was done above it; or say why not."""

    def keep(done: SecretsDone) -> None:
        if done.problem is None:
            _keep(kept, done)
            kept.said, kept.tried = t(said), None

    if _asked(work, t("own.working"), keep=keep) is not None:
        st.rerun()


def _keep(kept: SecretsPageState, done: SecretsDone) -> None:
    kept.last = done
    traces.remember(done.trace)


def _asked(
    work: Coroutine[Any, Any, SecretsDone],
    waiting: str,
    *,
    keep: Callable[[SecretsDone], None] | None = None,
    quiet: bool = False,
) -> SecretsDone | None:
    """What came of it; None, and the reason on the page, when it failed, unless ``quiet``.

    ``keep`` is given the outcome before anything is drawn.
    """
    try:
        with st.spinner(waiting):
            done = AppProcess.current().loop.run(work, timeout=ANSWER_SECONDS)
            if keep is not None:
                keep(done)
    except Problem as problem:
        sentence.problem(problem)
        return None
    if done.problem is not None and not quiet:
        sentence.problem(done.problem)
        return None
    return done


def _reveal(name: str, version: int, fetch: Callable[[], Coroutine[Any, Any, dict[str, SecretStr]]]) -> None:
    """The values, fetched now and kept nowhere here, for what is left of their time."""
    try:
        values = AppProcess.current().loop.run(fetch(), timeout=ANSWER_SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    left = _shown_until(name, version) - time.time()
    revealed(values, max(0.0, left), key=f"revealed.{name}", over=_hide)


def _reveal_button(name: str, version: int) -> None:
    st.button(
        t("own.reveal"),
        icon=":material/visibility:",
        key=f"own.reveal.{name}",
        on_click=_show,
        args=(name, version),
    )


def _show(name: str, version: int) -> None:
    st.session_state[_SHOWN] = (name, version, time.time() + SECONDS)


def _hide() -> None:
    st.session_state.pop(_SHOWN, None)


def _shown_until(name: str, version: int) -> float:
    """Until when (seconds since the epoch) this is revealed; 0 when it is not."""
    shown: tuple[str, int, float] = st.session_state.get(_SHOWN, ("", 0, 0.0))
    return shown[2] if shown[:2] == (name, version) else 0.0


def _button(label: str, icon: str, key: str, *, kind: Literal["primary", "secondary"] = "secondary") -> bool:
    press.button(t(label), icon=f":material/{icon}:", key=f"{label}.{key}", type=kind)
    return press.taken(f"{label}.{key}")


def _who() -> tuple[AppProcess, str]:
    return AppProcess.current(), visitor.visit().cookie
