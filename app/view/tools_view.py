"""The MCP tools page from its checkboxes to its trace. What it keeps is masked, and in this person's page only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import verdict
from app.actions import ActionDone, ServerView, execute, load_tools
from app.flow.hops import remember
from app.flow.rule import Rulebook
from app.mcp_client import LABELS, Reply, Tool
from app.process import AppProcess
from app.proof import Proof, ask, somebody_else
from app.rules import ServerRules
from app.session import Person
from app.sharing import call_of, shared
from app.texts import t, told_problem
from app.view import accounts_view, approval_view, press, results_view, sentence, traces, typed, visitor
from app.view.cards import card
from app.view.compare_view import sharing_panel
from app.view.plain import prose
from app.view.tool_form import form
from app.view.trace_view import announced, audit_link, downloads, summary, trace_view
from common.servers import MCP_SERVERS
from fastmcp_vault.errors import InputError, Problem, SessionEnded

ACTION_SECONDS = 60.0
ANSWER_SECONDS = 10.0

_TONES = {
    "good": (st.success, ":material/verified_user:"),
    "partly": (st.warning, ":material/rule:"),
    "bad": (st.error, ":material/gpp_bad:"),
}


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done again: loading servers, or one tool with its arguments."""

    servers: tuple[str, ...]
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ToolsPageState:
    """What the page remembers between runs: the servers loaded, the last action, each tool's last outcome.

    ``claims``: what tokens said when they were made, for actions that use them again. ``asking``: the server and tool
    whose question is to be shown. ``proofs``: what Vault answered about somebody else's path, by server.
    """

    views: dict[str, ServerView] = field(default_factory=dict)
    last: tuple[Action, ActionDone] | None = None
    outcomes: dict[tuple[str, str], ActionDone | InputError] = field(default_factory=dict)
    claims: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    asking: tuple[str, str] | None = None
    proofs: dict[str, Proof] = field(default_factory=dict)


def show(person: Person) -> None:
    """The page for this person."""
    kept: ToolsPageState = st.session_state.setdefault(visitor.KEPT, ToolsPageState())
    _pick(kept, typed.bring_back(person, accounts_view.came_back()))
    if kept.last is None:
        announced()
        return
    _loaded(kept, person)
    tools, trace = st.columns([4, 8], gap="medium")
    with tools:
        _tools(kept, person)
    with trace:
        _trace(kept, person)


def _pick(kept: ToolsPageState, waiting: Sequence[str]) -> None:
    """Which servers to load. Those in ``waiting``, whose forms something typed waits for, are loaded at once."""
    st.session_state.update({f"pick.{server}": True for server in waiting})
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        picked = tuple(s for s in MCP_SERVERS if st.checkbox(LABELS[s], key=f"pick.{s}", width="content"))
        press.button(t("tools.load"), type="primary", icon=":material/download:", key="load")
    place = st.container(key="loading")
    if not press.taken("load") and not waiting:
        return
    if not picked:
        st.info(t("tools.pick-one"), icon=":material/check_box:")
        return
    # The first trace that somebody sees has every step in it: nothing is used again that was made elsewhere.
    waiting_for = t("tools.loading", servers=", ".join(LABELS[s] for s in picked))
    _run(kept, Action(picked), place, waiting=waiting_for, fresh=kept.last is None)


def _run(
    kept: ToolsPageState,
    action: Action,
    place: DeltaGenerator,
    *,
    waiting: str,
    fresh: bool = False,
    reply: Reply | None = None,
) -> None:
    """Do it, with a spinner, and keep what came of it; a session that ended sends the person to sign in.

    ``place`` holds the spinner, and is there in every run: a spinner that comes and goes would move everything after
    it to another place in the page's tree, where browsers make it anew, and a press of just then is lost.
    """
    try:
        process, cookie = AppProcess.current(), visitor.visit().cookie
        with place, st.spinner(waiting, show_time=True):
            if action.tool:
                arguments, more = action.arguments, {"reply": reply} if reply else {}
                work = execute(process, cookie, action.servers[0], action.tool, arguments, fresh=fresh, **more)
            else:
                work = load_tools(process, cookie, action.servers, fresh=fresh)
            done = process.loop.run(work, timeout=ACTION_SECONDS)
            changed = _keep(kept, action, done)
    except Problem as problem:
        sentence.problem(problem)
        return
    if isinstance(done.problem, SessionEnded):
        if action.tool:
            typed.stopped(action.servers[0], action.tool)
        changed = True
    if changed:
        st.rerun()


def _keep(kept: ToolsPageState, action: Action, done: ActionDone) -> bool:
    """Keep what came of an action, before anything is drawn: an interrupted run is not to lose it.

    Whether a card that is drawn already is not true any more.
    """
    if isinstance(done.problem, SessionEnded):
        return False
    kept.last = (action, done)
    kept.claims |= remember(done.trace)
    traces.remember(done.trace)
    if action.tool:
        place = action.servers[0], action.tool
        kept.outcomes[place] = done
        kept.asking = place if done.answer and done.answer.asked else None
        view = kept.views.get(action.servers[0])
        return view is not None and done.problem is not None and view.noticed(done.problem)
    kept.views, kept.outcomes, kept.proofs = done.views, {}, {}
    return False


def _loaded(kept: ToolsPageState, person: Person) -> None:
    """The verdict on loading, then each server's card."""
    if kept.last and not kept.last[0].tool and kept.last[1].problem is not None:
        sentence.problem(kept.last[1].problem)
        return
    if not kept.views:
        return
    _verdict(verdict.of_loading(kept.views, person.username))
    for view in kept.views.values():
        card(LABELS[view.server], view.credential, key=view.server)
        accounts_view.of_card(view.credential, tuple(kept.views))


def _verdict(found: verdict.PageVerdict) -> None:
    box, icon = _TONES[found.tone]
    box(prose(found.sentence), icon=icon)


def _tools(kept: ToolsPageState, person: Person) -> None:
    """One server's tools at a time; the other tabs are drawn too, so that nothing typed in them is lost."""
    st.header(t("tools.heading"), anchor=False)
    able = [view for view in kept.views.values() if view.tools]
    if not able:
        st.caption(t("tools.none"))
        return
    for tab, view in zip(st.tabs([LABELS[view.server] for view in able], key="tools.of"), able, strict=True):
        with tab:
            for tool in view.tools:
                _tool(kept, view.server, tool, person)


def _tool(kept: ToolsPageState, server: str, tool: Tool, person: Person) -> None:
    icon = ":material/visibility:" if tool.read_only else ":material/edit:"
    typed.fill(server, tool)
    opened = typed.is_back(server, tool.name)
    with st.expander(tool.name, icon=icon, key=f"tool.{server}.{tool.name}", expanded=opened):
        st.markdown(f"{prose(tool.description)} {_effect(tool)}")
        typed.tell(server, tool.name)
        results = st.container(key=f"result.{server}.{tool.name}")  # Above the form, so that it is seen at once.
        asked = form(server, tool)
        place = st.container()
        if isinstance(asked, InputError):
            kept.outcomes[server, tool.name] = asked
        elif asked is not None:
            typed.told(server, tool.name)
            waiting = t("tools.executing", tool=tool.name, username=person.username)
            _run(kept, Action((server,), tool.name, asked), place, waiting=waiting)
        _question(kept, server, tool, person)
        with results:
            _outcome(kept.outcomes.get((server, tool.name)), server, tool.name)
            _offer(kept, server, tool.name)


def _question(kept: ToolsPageState, server: str, tool: Tool, person: Person) -> None:
    """The server's question about this tool: in a dialog as soon as it comes, and a way back to it afterwards."""
    done, last = kept.outcomes.get((server, tool.name)), kept.last
    if not isinstance(done, ActionDone) or done.answer is None or (asked := done.answer.asked) is None:
        return
    st.info(t("approve.waits", tool=tool.name), icon=":material/front_hand:")
    press.button(t("approve.open"), key=f"answer.{server}.{tool.name}", icon=":material/front_hand:")
    if press.taken(f"answer.{server}.{tool.name}"):
        kept.asking = (server, tool.name)
    if last is None or last[1] is not done or kept.asking != (server, tool.name):
        return

    def answer(approve: bool) -> None:
        kept.asking = None
        waiting = t("tools.executing", tool=tool.name, username=person.username)
        _run(kept, last[0], st.container(), waiting=waiting, reply=Reply(asked, approve))

    def again() -> None:
        kept.asking = None
        executing = t("tools.executing", tool=tool.name, username=person.username)
        _run(kept, last[0], st.container(), waiting=executing)

    def closed() -> None:
        kept.asking = None

    approval_view.dialog(asked, answer, again, closed)


def _effect(tool: Tool) -> str:
    if tool.read_only:
        return f":green-badge[{t('tools.read-only')}]"
    return f":red-badge[{t('tools.destructive')}]" if tool.destructive else f":orange-badge[{t('tools.writes')}]"


def _outcome(outcome: ActionDone | InputError | None, server: str, tool: str) -> None:
    if isinstance(outcome, InputError):
        sentence.problem(outcome)
    elif outcome is not None and outcome.problem is not None:
        sentence.problem(outcome.problem)
    elif outcome is not None and outcome.answer is not None and outcome.answer.asked is None:
        results_view.show(outcome.answer, key=f"{server}.{tool}")
        mine = outcome.answer.left.get("person")
        if mine:
            st.caption(t("tools.left", server=LABELS[server], **mine))


def _offer(kept: ToolsPageState, server: str, tool: str) -> None:
    """The way to connect an account, where that is what the tool lacked."""
    outcome, last = kept.outcomes.get((server, tool)), kept.last
    if isinstance(outcome, ActionDone) and outcome.problem is not None and last is not None and last[1] is outcome:
        accounts_view.offer(outcome.problem, server, tool, last[0].arguments)


def _trace(kept: ToolsPageState, person: Person) -> None:
    if kept.last is None:
        return
    action, done = kept.last
    st.header(t("trace.title"), anchor=False)
    if action.tool:
        _verdict(verdict.of_executing(done, action.servers[0], action.tool, person.username))
    st.container(key="trace.summary").markdown(summary(done.trace))
    with st.container(horizontal=True, vertical_alignment="center"):
        press.button(t("trace.again"), icon=":material/replay:", help=t("trace.again.help"), key="again")
        downloads(done.trace)
        audit_link(done.trace)
    place = st.container()
    if press.taken("again"):
        loading = t("tools.loading", servers=", ".join(LABELS[s] for s in action.servers))
        _run(kept, action, place, waiting=loading, fresh=True)
        st.rerun()
    credentials = {server: kept.views[server].credential for server in action.servers if server in kept.views}
    result = done.answer.structured if done.answer else None
    mine = shared(person.username, done.trace, credentials, result)
    sharing_panel(person, call_of(action.servers, action.tool), mine)
    st.caption(t("trace.lead"))
    trace_view(done, kept.views, kept.claims, _book(kept, person), lambda server: _attempt(kept, person, server))


def _book(kept: ToolsPageState, person: Person) -> Rulebook:
    """The rules at Vault behind what is shown, as they are now."""
    process = AppProcess.current()
    servers = sorted({step.server for step in kept.last[1].trace.steps if step.server}) if kept.last else []
    try:
        rules = process.loop.run(process.rules.of(servers), timeout=ANSWER_SECONDS)
    except Problem as problem:
        rules = dict.fromkeys(servers, problem)
    return Rulebook(rules, somebody_else(process, person.username), kept.proofs)


def _attempt(kept: ToolsPageState, person: Person, server: str) -> None:
    """Ask Vault for what is somebody else's, as this person."""
    process = AppProcess.current()
    rules = _book(kept, person).rules.get(server)
    line = next((line for line in rules.lines if line.personal), None) if isinstance(rules, ServerRules) else None
    if line is None:
        return
    path = line.filled(somebody_else(process, person.username))
    try:
        proof = process.loop.run(ask(process, visitor.visit().cookie, path), timeout=ANSWER_SECONDS)
    except Problem as problem:
        st.toast(told_problem(problem), icon=":material/error:")
        return
    kept.proofs[server] = proof
    traces.remember(proof.trace)
