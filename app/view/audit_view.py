"""The Audit page: which server came to Vault as the person, when, for what; each action's lines together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import streamlit as st

from app import audit
from app.audit import LINES, AuditLine, AuditReport
from app.claims import clock
from app.flow.drawing import drawing
from app.mcp_client import LABELS
from app.process import AppProcess
from app.texts import t
from app.view import press, sentence, traces, visitor, who_did_view
from app.view.flow import flow
from app.view.plain import mono, plain
from app.view.timeline import TimelineRow, timeline
from fastmcp_vault.errors import Problem

ANSWER_SECONDS = 15.0
GROUPS = 25
"""Actions that are listed; the filter finds the others."""

ID = "id"
"""Query parameter with a correlation id, so that a trace leads to its lines."""

PERIODS: Mapping[str, float] = {"5": 300.0, "60": 3600.0, "all": 0.0}
"""How far back to look, in seconds; 0: as far as the log is read."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to show."""

    servers: frozenset[str]
    refused: bool
    text: str
    since: float

    def wanted(self, line: AuditLine) -> bool:
        """Whether a line is asked for."""
        return (
            (not self.servers or line.server in self.servers)
            and (bool(line.refusal) or not self.refused)
            and line.at >= self.since
            and self.text
            in f"{line.operation} {line.path} {line.action} {line.step} {line.request_id} {line.correlation_id}".lower()
        )


def show() -> None:
    """The page for whoever is signed in: what was done, and below it what Vault wrote down."""
    press.button(t("audit.again"), icon=":material/refresh:", key="audit.again")
    if press.taken("audit.again"):
        st.toast(t("audit.reading"))
    who_did_view.show(st.query_params.get(ID, ""))
    try:
        with st.spinner(t("audit.reading")):
            process = AppProcess.current()
            told = process.loop.run(audit.look(process, visitor.visit().cookie), timeout=ANSWER_SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    traces.remember(told.trace)
    st.subheader(t("audit.vault"), anchor=False)
    st.caption(t("audit.vault.about"))
    lines = audit.joined(told.lines, traces.remembered(), traces.noted())
    if not lines:
        st.info(t("audit.empty", entity=plain(told.entity), since=clock(told.since)), icon=":material/receipt_long:")
        return
    _verdict(told)
    _shown(lines)


def _verdict(told: AuditReport) -> None:
    servers = Counter(line.server for line in told.lines)
    refused = sum(bool(line.refusal) for line in told.lines)
    who = ", ".join(f"{_server(name)} ({count})" for name, count in servers.most_common())
    key, since = (
        ("audit.verdict.newest", told.lines[-1].at) if len(told.lines) >= LINES else ("audit.verdict", told.since)
    )
    text = t(key, entity=plain(told.entity), count=len(told.lines), since=clock(since), who=plain(who))
    if refused:
        st.warning(f"{text} {t('audit.verdict.refused', count=refused)}", icon=":material/gpp_maybe:")
    else:
        st.success(f"{text} {t('audit.verdict.clean')}", icon=":material/verified_user:")


@st.fragment
def _shown(lines: list[AuditLine]) -> None:
    asked = _ask(lines)
    found = [line for line in lines if asked.wanted(line)]
    st.subheader(t("audit.who"), anchor=False)
    _timeline(found)
    st.subheader(t("audit.lines", count=len(found), all=len(lines)), anchor=False)
    if not found:
        st.markdown(t("audit.no-match"))
    # Lines of one action lie beside each other, unless several ran at once: so by what they belong to.
    order = {key: n for n, key in reversed(list(enumerate(_belongs(line) for line in found)))}
    groups = [list(group) for _, group in groupby(sorted(found, key=lambda line: order[_belongs(line)]), key=_belongs)]
    for group in groups[:GROUPS]:
        _group(group)
    if len(groups) > GROUPS:
        st.caption(t("audit.more", count=len(groups) - GROUPS))


def _ask(lines: Sequence[AuditLine]) -> AuditFilter:
    servers = sorted({line.server for line in lines})
    one, two, three, four = st.columns([5, 2, 3, 2], vertical_alignment="bottom")
    picked = one.pills(
        t("audit.filter.servers"), servers, selection_mode="multi", format_func=_server, key="pick.audit.servers"
    )
    period = two.selectbox(
        t("audit.filter.period"),
        list(PERIODS),
        index=len(PERIODS) - 1,
        format_func=lambda name: t(f"audit.filter.period.{name}"),
        key="pick.audit.period",
    )
    if ID in st.query_params and "arg.audit.text" not in st.session_state:
        st.session_state["arg.audit.text"] = st.query_params[ID]
    text = three.text_input(t("audit.filter.text"), key="arg.audit.text", placeholder="secret/data/users/")
    refused = four.toggle(t("audit.filter.refused"), key="pick.audit.refused")
    back = PERIODS[period]
    return AuditFilter(frozenset(picked), refused, text.strip().lower(), time.time() - back if back else 0.0)


def _timeline(lines: Sequence[AuditLine]) -> None:
    if not lines:
        return
    begins, ends = lines[-1].at, max(lines[0].at, lines[-1].at + 1)
    by_server: dict[str, list[AuditLine]] = {}
    for line in lines:
        by_server.setdefault(line.server, []).append(line)
    rows = [
        TimelineRow(
            name=_server(server),
            said=t("audit.timeline.said", server=_server(server), count=len(own), refused=_refused(own)),
            moments=[
                (
                    round((line.at - begins) / (ends - begins) * 100, 2),
                    bool(line.refusal),
                    f"{clock(line.at)} {line.operation} {line.path}",
                )
                for line in own
            ],
        )
        for server, own in sorted(by_server.items())
    ]
    timeline(rows, begins=clock(begins), ends=clock(ends), key="audit.timeline")
    st.caption(t("audit.timeline.key"))


def _group(lines: list[AuditLine]) -> None:
    """One action: what it was, if it was done in this browser tab, and every line of it."""
    first, refused = lines[-1], _refused(lines)
    servers = ", ".join(sorted({_server(line.server) for line in lines}))
    person = visitor.visit().person
    unknown = t(f"audit.origin.{audit.origin(first, person.sid if person else '')}")
    action = next((line.action for line in lines if line.action), unknown)
    icon = ":material/gpp_bad:" if refused else ":material/check_circle:"
    label = f"{clock(first.at)} · **{plain(action)}** · {plain(servers)} · {t('audit.requests', count=len(lines))}"
    if first.correlation_id:
        label += f" · {t('audit.id.short', id=mono(first.correlation_id[:8] + '…'))}"
    asked_for = bool(first.correlation_id) and st.query_params.get(ID) == first.correlation_id
    with st.expander(label, icon=icon, key=f"audit.{first.request_id}", expanded=asked_for):
        if first.correlation_id:
            st.markdown(t("audit.id", id=mono(first.correlation_id)))
            _trace(first.correlation_id)
        ordered = list(reversed(lines))
        st.table(
            {
                t("audit.column.request"): [_request(line) for line in ordered],
                t("audit.column.decision"): [_decision(line) for line in ordered],
                t("audit.column.step"): [plain(line.step) for line in ordered],
            },
            border="horizontal",
            hide_index=True,
        )
        _raw(ordered)


def _trace(correlation_id: str) -> None:
    """The trace of the same action, where this tab has it: what stands here as requests stands there as steps."""
    found = next((trace for trace in traces.remembered() if trace.id == correlation_id), None)
    if found is None:
        st.caption(t("audit.no-trace"))
    elif st.toggle(t("audit.trace"), key=f"pick.audit.trace.{correlation_id}"):
        flow(drawing(found, {}, {}, now=time.time()), key=f"audit.flow.{correlation_id}")


def _raw(lines: Sequence[AuditLine]) -> None:
    chosen = st.selectbox(
        t("audit.raw"),
        range(len(lines)),
        index=None,
        format_func=lambda n: f"{clock(lines[n].at)} {lines[n].operation} {lines[n].path}",
        placeholder=t("audit.raw.choose"),
        key=f"pick.audit.raw.{lines[0].request_id}",
    )
    if chosen is not None:
        st.caption(t("audit.raw.about", id=mono(lines[chosen].request_id)))
        st.json(dict(lines[chosen].raw), expanded=2)


def _request(line: AuditLine) -> str:
    return f"{plain(clock(line.at))} · {plain(_server(line.server))} · {plain(line.operation)} {mono(line.path)}"


def _decision(line: AuditLine) -> str:
    if line.refusal:
        return f":red-badge[:material/block: {t('audit.refused')}] {plain(line.refusal)}"
    allowed = f":green-badge[:material/check: {t('audit.allowed')}]"
    return (
        f"{allowed} {t('audit.by', policies=', '.join(mono(p) for p in line.policies))}" if line.policies else allowed
    )


def _refused(lines: Sequence[AuditLine]) -> int:
    return sum(bool(line.refusal) for line in lines)


def _belongs(line: AuditLine) -> str:
    return line.correlation_id or line.request_id


def _server(name: str) -> str:
    """Who came to Vault, by the name that people know."""
    if name == "mcp-demo-app":
        return t("audit.server.app")
    return LABELS.get(name.removeprefix("mcp-"), name) or t("audit.server.unknown")
