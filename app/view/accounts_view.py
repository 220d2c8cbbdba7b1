"""Connected accounts: what the person let us have at each provider, the way there, and its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import connections
from app.claims import clock
from app.connections import AccountConnection
from app.language import PARAMETER
from app.process import AppProcess
from app.session import Person
from app.texts import t, told
from app.view import press, sentence, typed, visitor
from app.view.cards import table
from app.view.plain import mono, plain
from app.view.way import way
from fastmcp_vault.errors import Problem

SECONDS = 15.0

_WAYS = {"credential_missing": "accounts.connect", "account_scope": "accounts.widen"}
"""What the way to a provider is called, by what a call lacked; for everything else: connected again."""

_SAID = f"{visitor.KEPT}.accounts.said"


def section() -> None:
    """On My secrets: each provider, connected or not."""
    process, cookie = AppProcess.current(), visitor.visit().cookie
    if not process.providers.servers:
        return
    st.subheader(t("accounts.heading"), anchor=False)
    came_back()
    try:
        found = process.loop.run(connections.listed(process, cookie), timeout=SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    for connection in found:
        with st.container(border=True, key=f"account-{connection.server}"):
            _connection(connection)


def show(person: Person) -> None:
    """The page that a link of an MCP server leads to."""
    process, request_id = AppProcess.current(), str(st.query_params.get("id", ""))
    if server := str(st.query_params.get("connected", "")):
        if server in process.providers:
            title = process.providers.client(server).provider.title
            st.success(t("accounts.done", title=title, username=plain(person.username)), icon=":material/link:")
        return
    if not request_id:
        st.info(t("accounts.no-id"), icon=":material/link_off:")
        return
    try:
        asked = process.loop.run(_asked(process, visitor.visit().cookie, request_id), timeout=SECONDS)
        provider = process.providers.client(asked.provider).provider
    except Problem as problem:
        sentence.problem(problem)
        return
    scopes = provider.wanted(writing=asked.writing)
    table(
        [
            (t("accounts.fact.for"), plain(person.username)),
            (t("accounts.fact.server"), plain(connections.label(asked.provider))),
            (t("accounts.fact.tool"), mono(asked.tool)),
            (t("accounts.fact.client"), mono(asked.client)),
            (t("accounts.fact.scopes"), " ".join(map(mono, scopes)) or t("accounts.fact.rights")),
        ]
    )
    if st.query_params.get("refused"):
        st.warning(t("accounts.denied", title=provider.title), icon=":material/block:")
    address = link(asked.provider, f"/connect-account?id={request_id}", id=request_id)
    way(t("accounts.connect", title=provider.title), address, key="asked", primary=True)


def offer(problem: Problem, server: str, tool: str, arguments: Mapping[str, Any]) -> None:
    """Below a tool that failed for want of an account: the way to connect one; what was typed is kept meanwhile."""
    provider = str(problem.detail.get("provider") or "")
    process = AppProcess.current()
    if not provider or provider not in process.providers:
        return
    writing = {"writing": "1"} if problem.detail.get("code") == "account_scope" else {}
    title = process.providers.client(provider).provider.title
    word = _WAYS.get(str(problem.detail.get("code")), "accounts.reconnect")
    label = t(word, title=title)
    kept = typed.form_of(server, tool, arguments)
    way(label, link(provider, "/mcp-tools", **writing), key=f"{server}.{tool}", typed=kept)


def of_card(facts: Mapping[str, Any] | None, loaded: Iterable[str]) -> None:
    """Below a server's card that has no credential: the way to connect an account. ``loaded``: the servers that are on
    the page, and will be when the person comes back, connected or not."""
    problem = (facts or {}).get("problem")
    provider = str(problem.get("provider") or "") if isinstance(problem, Mapping) else ""
    process = AppProcess.current()
    if provider and provider in process.providers:
        title = process.providers.client(provider).provider.title
        again = isinstance(problem, Mapping) and problem.get("code") == "account_ended"
        label = t("accounts.reconnect" if again else "accounts.connect", title=title)
        way(label, link(provider, "/mcp-tools"), key=f"card.{provider}", typed=typed.page_of(loaded))


def link(server: str, next_page: str, **more: str) -> str:
    """Where connecting begins; it comes back to ``next_page``, in the language that the address asks for."""
    if spoken := st.query_params.get(PARAMETER):
        next_page += f"{'&' if '?' in next_page else '?'}{urlencode({PARAMETER: spoken})}"
    return f"/auth/connect/{server}?{urlencode({'next': next_page, **more})}"


async def _asked(process: AppProcess, cookie: str, request_id: str) -> Any:
    return await connections.asked_for(process, await process.sessions.renewed(cookie), request_id)


def came_back() -> str:
    """What became of the way to a provider, where the person has just come back from it; whose that is, or ""."""
    process, found = AppProcess.current(), ""
    for word, box, icon in (("connected", st.success, "link"), ("refused", st.warning, "block")):
        server = str(st.query_params.get(word, ""))
        if server in process.providers:
            title = process.providers.client(server).provider.title
            said = t("accounts.now", title=title) if word == "connected" else t("accounts.denied", title=title)
            box(said, icon=f":material/{icon}:")
            found = server
    return found


def _connection(connection: AccountConnection) -> None:
    facts, title = connection.facts, connection.title
    state = "none" if facts is None else "over" if facts.ended else "on"
    colour, icon = {"none": ("gray", "link_off"), "over": ("red", "heart_broken"), "on": ("green", "link")}[state]
    used = t("accounts.used-by", server=connections.label(connection.server))
    st.markdown(f"**{plain(title)}** :{colour}-badge[:material/{icon}: {t(f'accounts.state.{state}')}] {used}")
    if facts is not None:
        table(
            [
                (t("accounts.fact.account"), mono(facts.account)),
                (t("accounts.fact.scopes"), " ".join(map(mono, facts.scopes)) or t("accounts.fact.rights")),
                (t("accounts.fact.since"), plain(clock(facts.since))),
                *([(t("accounts.fact.until"), plain(clock(facts.until)))] if facts.until else []),
            ]
        )
        if facts.ended:
            st.markdown(t("accounts.over", title=title))
    if said := st.session_state.pop(f"{_SAID}.{connection.server}", ""):
        st.info(said, icon=":material/info:")
    with st.container(horizontal=True):
        label = t("accounts.connect" if facts is None else "accounts.reconnect", title=title)
        way(label, link(connection.server, "/my-secrets"), key=f"own.{connection.server}")
        if facts is not None:
            _disconnect(connection)
        if connection.manage_url and facts is not None:
            st.link_button(t("accounts.manage", title=title), connection.manage_url, icon=":material/open_in_new:")


def _disconnect(connection: AccountConnection) -> None:
    key = f"accounts.disconnect.{connection.server}"
    press.button(t("accounts.disconnect"), key=key, icon=":material/link_off:")
    if not press.taken(key):
        return
    process, cookie = AppProcess.current(), visitor.visit().cookie
    try:
        left = process.loop.run(connections.disconnect(process, cookie, connection.server), timeout=SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    said = t("accounts.gone-here", title=connection.title, why=told(left)) if left else ""
    for word in ("connected", "refused"):
        st.query_params.pop(word, None)
    st.session_state[f"{_SAID}.{connection.server}"] = said or t("accounts.gone", title=connection.title)
    st.rerun()
