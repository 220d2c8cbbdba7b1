"""The Agents page: choose an agent, get a token, call each endpoint, revoke, call again."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import agents
from app.agents import ENDPOINTS, KINDS, MANNERS, AgentOutcome, HeldCertificate
from app.claims import left
from app.flow.drawing import drawing
from app.process import AppProcess
from app.session import Person
from app.texts import t
from app.view import press, sentence, traces, visitor
from app.view.cards import table
from app.view.flow import flow
from app.view.plain import mono, plain, prose
from app.view.trace_view import downloads, summary
from fastmcp_vault.errors import InputError, Problem, SessionEnded
from fastmcp_vault.masking import mask

ACTION_SECONDS = 30.0
_KEPT = f"{visitor.KEPT}.agents"


@dataclass(slots=True)
class AgentsPageState:
    """What the page remembers between runs: this person's agents, and the last thing one of them did."""

    held: dict[str, HeldCertificate] = field(default_factory=dict)
    last: tuple[str, AgentOutcome] | None = None
    command_id: str = ""


def show(_: Person) -> None:
    """The page for the person who is signed in."""
    kept: AgentsPageState = st.session_state.setdefault(_KEPT, AgentsPageState())
    if kept.last is not None:
        _verdict(*kept.last)
    steps, trace = st.columns([5, 7], gap="medium")
    with steps:
        kind = _choose()
        _act(kept, kind)
        held = kept.held.get(kind)
        _facts(held)
        if held is not None and held.token.get_secret_value():
            _calls(kept, held)
    with trace:
        _told(kept)


def _choose() -> str:
    chosen = st.segmented_control(
        t("agents.choose"),
        list(KINDS),
        default="worker",
        required=True,
        format_func=lambda kind: t(f"agents.kind.{kind}"),
        key="pick.agent",
    )
    kind = str(chosen)
    st.caption(t(f"agents.kind.{kind}.about"))
    return kind


def _act(kept: AgentsPageState, kind: str) -> None:
    held = kept.held.get(kind)
    with st.container(horizontal=True):
        press.button(t("agents.token.get"), type="primary", icon=":material/vpn_key:", key="agents.get")
        can_end = held is not None and bool(held.token.get_secret_value()) and not held.revoked
        press.button(t("agents.token.revoke"), icon=":material/block:", key="agents.revoke", disabled=not can_end)
    if press.taken("agents.get"):
        process, cookie = _process()
        _run(kept, kind, "token", agents.get_token(process, cookie, kind, held), waiting=t("agents.token.getting"))
    elif held is not None and press.taken("agents.revoke"):
        process, cookie = _process()
        _run(kept, kind, "revoke", agents.revoke(process, cookie, held), waiting=t("agents.token.revoking"))


def _process() -> tuple[AppProcess, str]:
    return AppProcess.current(), visitor.visit().cookie


def _run(kept: AgentsPageState, kind: str, what: str, work: Coroutine[Any, Any, AgentOutcome], *, waiting: str) -> None:
    """Do it, keep what came of it, and draw the page anew: buttons above depend on it."""
    try:
        with st.spinner(waiting, show_time=True):
            _keep(kept, kind, what, AppProcess.current().loop.run(work, timeout=ACTION_SECONDS))
    except Problem as problem:
        sentence.problem(problem)
        return
    st.rerun()


def _keep(kept: AgentsPageState, kind: str, what: str, outcome: AgentOutcome) -> None:
    """Keep what came of an action, before anything is drawn."""
    if outcome.held is not None:
        kept.held[kind] = outcome.held
    if what == "commands" and isinstance(outcome.answer, dict) and outcome.answer.get("commands"):
        kept.command_id = str(outcome.answer["commands"][0]["command_id"])
    kept.last = (what, outcome)
    traces.remember(outcome.trace)


def _facts(held: HeldCertificate | None) -> None:
    if held is None or not held.token.get_secret_value():
        st.caption(t("agents.no-token"))
        return
    now, masked = time.time(), mask(held.token.get_secret_value())
    if held.revoked:
        token = t("agents.fact.token.revoked", masked=masked)
    elif held.until <= now:
        token = t("agents.fact.token.over", masked=masked)
    else:
        token = t("agents.fact.token.value", masked=masked, left=left(held.until, now))
    certificate = t("agents.fact.certificate.value", serial=held.serial[:12], left=left(held.certificate_until, now))
    table(
        [
            (t("agents.fact.agent"), mono(held.name)),
            (t("agents.fact.scopes"), " ".join(mono(scope) for scope in held.scopes)),
            (t("agents.fact.certificate"), certificate),
            (t("agents.fact.token"), token),
        ]
    )


def _calls(kept: AgentsPageState, held: HeldCertificate) -> None:
    st.subheader(t("agents.calls"), anchor=False)
    manner = st.segmented_control(
        t("agents.manner"),
        list(MANNERS),
        default=MANNERS[0],
        required=True,
        format_func=lambda name: t(f"agents.manner.{name}"),
        help=t("agents.manner.help"),
        key="pick.manner",
    )
    for endpoint, (method, path, needed) in ENDPOINTS.items():
        body = _body(kept, held, endpoint)
        with st.container(horizontal=True, vertical_alignment="center"):
            label = t(f"agents.endpoint.{endpoint}")
            press.button(label, key=f"agents.call.{endpoint}", icon=":material/send:")
            lock, colour = ("lock_open", "green") if not needed or needed in held.scopes else ("lock", "gray")
            badge = f":{colour}-badge[:material/{lock}: {plain(needed) or t('agents.needs.any')}]"
            st.markdown(f"{mono(f'{method} {path}')} {badge}")
        if press.taken(f"agents.call.{endpoint}"):
            _call(kept, held, endpoint, manner or MANNERS[0], body)


def _body(kept: AgentsPageState, held: HeldCertificate, endpoint: str) -> Any:
    if endpoint == "results":
        # A key of its own for each command: a widget keeps what was typed, whatever value it is given later.
        text = st.text_input(
            t("agents.command-id"),
            value=kept.command_id,
            help=t("agents.command-id.help"),
            key=f"arg.agents.id.{kept.command_id}",
        )
        return {"command_id": text or "-", "status": "completed", "result": {"done": True}}
    if endpoint == "dispatch":
        text = st.text_input(t("agents.command"), value=t("agents.command.default"), key="arg.agents.command")
        return (text, f"{held.owner}:worker")
    return None


def _call(kept: AgentsPageState, held: HeldCertificate, endpoint: str, manner: agents.Manner, body: Any) -> None:
    if isinstance(body, tuple):
        try:
            body = agents.command_body(*body)
        except InputError as problem:
            sentence.problem(problem)
            return
    process, cookie = _process()
    work = agents.call(process, cookie, held, endpoint, manner, body)
    _run(kept, held.kind, endpoint, work, waiting=t("agents.calling"))


def _told(kept: AgentsPageState) -> None:
    """The last action's answer, and its trace."""
    if kept.last is None:
        st.caption(t("agents.trace.none"))
        return
    what, outcome = kept.last
    if what in ENDPOINTS and outcome.answer is not None:
        st.caption(t("agents.answer"))
        st.json(outcome.answer, expanded=2)
    st.subheader(t("trace.title"), anchor=False)
    st.container(key="trace.summary").markdown(summary(outcome.trace))
    with st.container(horizontal=True):
        downloads(outcome.trace)
    flow(drawing(outcome.trace, {}, {}, now=time.time()), key="agents.flow")


def _verdict(what: str, outcome: AgentOutcome) -> None:
    held = outcome.held
    if outcome.problem is not None:
        if isinstance(outcome.problem, SessionEnded):
            st.warning(t("session.ended"), icon=":material/logout:")
        else:
            sentence.problem(outcome.problem)
    elif held is None:
        return
    elif what == "token":
        scope, time_left = " ".join(held.scopes), left(held.until, time.time())
        text = t("agents.verdict.token", agent=held.name, scope=scope, left=time_left)
        st.success(prose(text), icon=":material/verified_user:")
    elif what == "revoke":
        st.success(prose(t("agents.verdict.revoked")), icon=":material/block:")
    elif outcome.status < 400:
        path = ENDPOINTS[what][1]
        text = t("agents.verdict.called", path=path, status=outcome.status, agent=held.name)
        st.success(prose(text), icon=":material/check_circle:")
    else:
        said = outcome.answer if isinstance(outcome.answer, dict) else {}
        error, reason = said.get("error", outcome.status), said.get("error_description", "")
        text = t("agents.verdict.refused", path=ENDPOINTS[what][1], agent=held.name, error=error, reason=reason)
        st.error(prose(text), icon=":material/gpp_bad:")
