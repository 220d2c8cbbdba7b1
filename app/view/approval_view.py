"""What a person is asked to say yes to: the facts, in a dialog over the tools and on a page of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import streamlit as st

from app.approvals import Waiting, decide, waiting
from app.claims import clock
from app.mcp_client import ApprovalAsked
from app.process import AppProcess
from app.session import Person
from app.texts import t
from app.view import press, sentence, visitor
from app.view.cards import table
from app.view.plain import mono, plain
from fastmcp_vault.errors import Problem

LOOK_SECONDS = 10.0


def facts(told: Mapping[str, Any], *, client_name: str = "") -> None:
    """What will be done, as whom, with which credential, and for how long.

    ``client_name``: chosen by the program that asks, and so never shown without its id.
    """
    expires = told.get("expires_at")
    rows = (
        ("what", plain(t("approve.call", tool=told.get("tool", ""), server=told.get("title", "")))),
        ("who", mono(told.get("username"))),
        ("client", _client(told.get("client"), client_name)),
        ("credential", f"{mono(told.get('path'))} {mono(told.get('credential'))}"),
        ("held", plain(t("approve.until", time=_clock(told.get("credential_until"))))),
        ("expires", plain(t("approve.once", time=_clock(expires)))),
    )
    table([(t(f"approve.fact.{name}"), value) for name, value in rows])
    st.caption(t("approve.fact.arguments"))
    st.code(str(told.get("arguments", "")), language=None, wrap_lines=True)


def dialog(
    asked: ApprovalAsked, answer: Callable[[bool], None], again: Callable[[], None], closed: Callable[[], None]
) -> None:
    """Ask over the page; ``answer`` is called with what the person said, ``closed`` when they said nothing.

    What is to be answered on the page Approve, after another sign-in, is answered there; ``again`` then goes on.
    """

    @st.dialog(t("approve.title"), width="medium", on_dismiss=closed)
    def shown() -> None:
        st.markdown(t("approve.lead"))
        facts(asked.facts)
        if asked.link:
            if _answered_elsewhere(asked.link):
                again()
                st.rerun()
            return
        said = _buttons()
        if said is not None:
            answer(said)
            st.rerun()

    shown()


def show(person: Person) -> None:
    """The page that an approval's link leads to."""
    approval_id = str(st.query_params.get("id", ""))
    if not approval_id:
        st.info(t("approve.no-id"), icon=":material/link_off:")
        return
    try:
        process, cookie = AppProcess.current(), visitor.visit().cookie
        found = process.loop.run(waiting(process, cookie, approval_id), timeout=LOOK_SECONDS)
        if found.status != "pending":
            _settled(found)
            return
        facts(found.facts, client_name=found.client_name)
        if found.login_needed or found.level_needed:
            _sign_in_again(found, approval_id, person)
            return
        said = _buttons()
        if said is not None:
            process.loop.run(decide(process, cookie, approval_id, approve=said), timeout=LOOK_SECONDS)
            st.rerun()
    except Problem as problem:
        sentence.problem(problem)


def _buttons() -> bool | None:
    """What was pressed: yes, no, or nothing yet."""
    with st.container(horizontal=True):
        press.button(t("approve.yes"), key="approve.yes", type="primary", icon=":material/check:")
        press.button(t("approve.no"), key="approve.no", icon=":material/block:")
    return True if press.taken("approve.yes") else False if press.taken("approve.no") else None


def _answered_elsewhere(link: str) -> bool:
    """Lead to this app's page Approve, and only there; whether the person says that they have answered."""
    page = f"{AppProcess.current().settings.app_public_url.rstrip('/')}/approve?"
    st.warning(t("approve.elsewhere"), icon=":material/lock_clock:")
    with st.container(horizontal=True):
        if link.startswith(page):
            st.link_button(t("approve.go"), link, type="primary", icon=":material/login:")
        press.button(t("approve.go-on"), key="approve.go-on", icon=":material/arrow_forward:")
    return press.taken("approve.go-on")


def _sign_in_again(found: Waiting, approval_id: str, person: Person) -> None:
    if found.level_needed:
        level = t(f"approve.level.{found.acr}")
        st.warning(t("approve.level", level=level, username=person.username), icon=":material/shield_lock:")
    else:
        st.warning(t("approve.fresh", seconds=found.login_age, username=person.username), icon=":material/lock_clock:")
    # A level is reached anew each time that it is asked for: that makes the sign-in fresh, too.
    how = f"level={quote(found.acr, safe='')}" if found.acr else "fresh=1"
    back = quote(f"/approve?id={approval_id}", safe="")
    st.link_button(t("approve.sign-in"), f"/auth/login?{how}&next={back}", type="primary", icon=":material/login:")
    press.button(t("approve.no"), key="approve.no", icon=":material/block:")
    if press.taken("approve.no"):
        process = AppProcess.current()
        process.loop.run(decide(process, visitor.visit().cookie, approval_id, approve=False), timeout=LOOK_SECONDS)
        st.rerun()


def _settled(found: Waiting) -> None:
    box, icon = {
        "approved": (st.success, ":material/check_circle:"),
        "used": (st.success, ":material/task_alt:"),
    }.get(found.status, (st.warning, ":material/block:"))
    box(t(f"approve.is.{found.status}", tool=plain(found.tool), server=plain(found.server)), icon=icon)


def _client(client_id: Any, name: str) -> str:
    if not name:
        return mono(client_id)
    return f"{plain(t('approve.client-name', name=name))} · {mono(client_id)}"


def _clock(at: Any) -> str:
    return clock(at) if isinstance(at, int | float) else "—"
