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
  const { data } = component
  // Drawing this page has just renewed the session.
  window.mcpDemoRenewed ??= Date.now()
  const typed = () => {
    if (Date.now() - window.mcpDemoRenewed < data.every * 1000) return
    window.mcpDemoRenewed = Date.now()
    fetch("/auth/alive", { method: "POST" }).catch(() => {})
  }
  document.addEventListener("input", typed, true)
  return () => document.removeEventListener("input", typed, true)
}
""",
)


def listen() -> None:
    """Draw nothing, and listen on this page."""
    _LISTENER(data={"every": EVERY_SECONDS}, key="awake")
