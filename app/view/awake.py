"""Typing keeps a session alive: the browser tells the app, because Streamlit hears of text only once it is sent."""

from __future__ import annotations

import streamlit as st

EVERY_SECONDS = 120
"""How often at most. The session goes on for half an hour after the last time (Keycloak: ssoSessionIdleTimeout)."""

_LISTENER = st.components.v2.component(
    "awake",
    html="<span hidden></span>",
    js="""
export default function (component) {
  const { data, parentElement } = component
  // Drawing this page has just renewed the session.
  window.mcpDemoRenewed ??= Date.now()
  const typed = () => {
    if (Date.now() - window.mcpDemoRenewed < data.every * 1000) return
    window.mcpDemoRenewed = Date.now()
    fetch("/auth/alive", { method: "POST" }).catch(() => {})
  }
  // Called at each change of the data; only what the last call returns is called at the end.
  parentElement.stop?.()
  document.addEventListener("input", typed, true)
  return parentElement.stop = () => document.removeEventListener("input", typed, true)
}
""",
)


def listen() -> None:
    """Draw nothing, and listen on this page."""
    _LISTENER(data={"every": EVERY_SECONDS}, key="awake")
