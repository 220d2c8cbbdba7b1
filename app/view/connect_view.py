"""The Connect page: choose a server and a client, copy what that client wants."""

from __future__ import annotations

import streamlit as st

from app.connect import CLIENTS, forms
from app.mcp_client import LABELS
from app.process import AppProcess
from app.texts import t
from app.view import sentence
from app.view.plain import mono, plain
from common.servers import MCP_SERVERS
from fastmcp_vault.errors import Problem


def show() -> None:
    """The page; it holds nothing of anybody, so nobody needs to be signed in."""
    try:
        settings = AppProcess.current().settings
    except Problem as problem:
        sentence.problem(problem)
        return
    urls = {server: settings.mcp_url(server) for server in MCP_SERVERS}
    if settings.browsers_only:
        st.info(t("connect.browsers-only"), icon=":material/lock:")
    server = st.segmented_control(
        t("connect.server"),
        MCP_SERVERS,
        default=MCP_SERVERS[0],
        required=True,
        format_func=LABELS.__getitem__,
        key="arg.connect.server",
    )
    chosen = server or MCP_SERVERS[0]
    st.markdown(t("connect.address", url=mono(urls[chosen])))
    for client, tab in zip(CLIENTS, st.tabs([t(f"connect.client.{client}") for client in CLIENTS]), strict=True):
        with tab:
            for form in forms(client, chosen, urls):
                st.markdown(t(f"connect.form.{form.name}"))
                # Uncoloured: the colours of Streamlit's highlighter are too pale to read.
                st.code(form.text, language=None, wrap_lines=True)
            st.caption(t(f"connect.note.{client}"))
    _what_happens(chosen, settings.issuer)


def _what_happens(server: str, issuer: str) -> None:
    st.subheader(t("connect.then"), anchor=False)
    steps = {
        "found": t("connect.then.found.text", issuer=mono(issuer)),
        "registers": t("connect.then.registers.text"),
        "asked": t("connect.then.asked.text", read=mono(f"mcp:{server}")),
        "writes": t("connect.then.writes.text", write=mono(f"mcp:{server}:write")),
        "acts": t("connect.then.acts.text", server=plain(LABELS[server])),
        "ends": t("connect.then.ends.text"),
    }
    st.markdown("\n".join(f"1. **{t(f'connect.then.{name}')}.** {text}" for name, text in steps.items()))
