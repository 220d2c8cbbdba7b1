"""Time left that counts down in the browser, by itself: no run of the page, and never below nought."""

from __future__ import annotations

import time

import streamlit as st

from app.texts import t

_COUNTDOWN = st.components.v2.component(
    "countdown",
    html='<span class="left" role="timer"></span>',
    css="""
.left { font-family: var(--st-font); font-variant-numeric: tabular-nums; font-size: 1rem; color: var(--st-text-color);
  white-space: nowrap; }
.left.soon { font-weight: 650; }
.left.large { font-size: 4rem; line-height: 1.2; }
""",
    js="""
export default function (component) {
  const { data, parentElement } = component
  const shown = parentElement.querySelector(".left")
  const until = Date.now() + data.left * 1000
  shown.classList.toggle("large", data.large)
  const pad = (number) => String(number).padStart(2, "0")
  const draw = () => {
    const left = Math.max(0, Math.round((until - Date.now()) / 1000))
    const hours = Math.floor(left / 3600), minutes = Math.floor(left / 60) % 60
    const clock = (hours ? hours + ":" + pad(minutes) : minutes) + ":" + pad(left % 60)
    shown.textContent = left ? data.text.replace("{left}", clock) : data.over
    shown.classList.toggle("soon", left <= 10)
  }
  draw()
  // Called at each change of the data; only what the last call returns is called at the end.
  clearInterval(parentElement.timer)
  parentElement.timer = setInterval(draw, 1000)
  return () => clearInterval(parentElement.timer)
}
""",
)


def countdown(until: float, *, key: str, large: bool = False) -> None:
    """The time left until ``until`` (seconds since the epoch), ticking; ``large``: for the back of a room."""
    left = max(0.0, until - time.time())
    data = {"left": left, "text": t("countdown.left", left="{left}"), "over": t("countdown.over"), "large": large}
    _COUNTDOWN(data=data, key=key)
