"""Moments on a line of time, one row per name: drawn by the browser, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

_TIMELINE = st.components.v2.component(
    "timeline",
    html='<div class="timeline"></div>',
    css="""
.timeline { display: grid; grid-template-columns: max-content 1fr; gap: .3rem .9rem; align-items: center;
  font-family: var(--st-font); font-size: .95rem; color: var(--st-text-color); }
.track { position: relative; height: 1.6rem; border-bottom: 1px solid var(--st-border-color); }
.moment { position: absolute; top: .35rem; width: .85rem; height: .85rem; margin-left: -.425rem; border-radius: 50%;
  background: var(--st-primary-color); opacity: .75; }
.moment.bad { border-radius: 0; background: var(--st-red-color); transform: rotate(45deg); opacity: 1; }
.ends { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; opacity: .85; }
""",
    js="""
export default function (component) {
  const { data, parentElement } = component
  const make = (name, className, text) => {
    const made = document.createElement(name)
    made.className = className
    made.textContent = text || ""
    return made
  }
  const rows = data.rows.flatMap((row) => {
    const track = make("div", "track")
    track.setAttribute("role", "img")
    track.setAttribute("aria-label", row.said)
    track.replaceChildren(...row.moments.map(([at, bad, title]) => {
      const moment = make("span", bad ? "moment bad" : "moment")
      moment.style.left = at + "%"
      moment.title = title
      return moment
    }))
    return [make("span", "name", row.name), track]
  })
  const ends = make("div", "ends")
  ends.append(make("span", "", data.begins), make("span", "", data.ends))
  parentElement.querySelector(".timeline").replaceChildren(...rows, make("span", ""), ends)
}
""",
)


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One name with its moments: when (0 to 100), whether it went badly, and what it was. ``said``: all in words."""

    name: str
    said: str
    moments: list[tuple[float, bool, str]]


def timeline(rows: Sequence[TimelineRow], *, begins: str, ends: str, key: str) -> None:
    """Draw the rows between two moments, given as words."""
    drawn = [{"name": row.name, "said": row.said, "moments": row.moments} for row in rows]
    _TIMELINE(data={"rows": drawn, "begins": begins, "ends": ends}, key=key)
