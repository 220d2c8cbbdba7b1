"""Values that are shown on purpose, for some seconds: then the browser drops them, by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st
from pydantic import SecretStr

from app.texts import t

SECONDS = 10.0
"""How long a value may stand on the page."""

_REVEALED = st.components.v2.component(
    "revealed",
    html='<dl class="values"></dl><p class="left" role="timer"></p>',
    css="""
.values { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1rem; margin: 0; padding: .6rem .8rem;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  background: var(--st-secondary-background-color); color: var(--st-text-color); font-family: var(--st-font); }
.values:empty { display: none; }
dt { color: var(--st-text-color); opacity: .8; }
dd { margin: 0; font-family: var(--st-code-font); overflow-wrap: anywhere; }
.left { margin: .35rem 0 0; font-family: var(--st-font); font-variant-numeric: tabular-nums; font-size: .95rem;
  color: var(--st-text-color); }
@media (max-width: 480px) { .values { grid-template-columns: 1fr; gap: .1rem; } dd { margin-bottom: .4rem; } }
""",
    js="""
export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const values = parentElement.querySelector(".values"), shown = parentElement.querySelector(".left")
  const until = Date.now() + data.seconds * 1000
  values.replaceChildren(...data.values.flatMap(([name, value]) => {
    const term = document.createElement("dt"), said = document.createElement("dd")
    term.textContent = name
    said.textContent = value
    return [term, said]
  }))
  // Called at each change of the data; only what the last call returns is called at the end.
  clearInterval(parentElement.timer)
  const draw = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000))
    shown.textContent = left ? data.text.replace("{left}", left) : ""
    if (left) return
    clearInterval(parentElement.timer)
    values.replaceChildren()
    setTriggerValue("over", true)
  }
  parentElement.timer = setInterval(draw, 250)
  draw()
  return () => { clearInterval(parentElement.timer); values.replaceChildren() }
}
""",
)


def revealed(values: Mapping[str, SecretStr], seconds: float, *, key: str, over: Callable[[], None]) -> None:
    """Show these for ``seconds``; ``over`` is called, and the page or fragment runs again, when they are gone."""
    shown = [(name, value.get_secret_value()) for name, value in values.items()]
    data = {"values": shown, "seconds": seconds, "text": t("own.hidden-in", left="{left}")}
    _REVEALED(data=data, key=key, on_over_change=over)
