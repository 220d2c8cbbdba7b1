"""A link that looks like a button and leads on in the same tab, keeping what was typed for the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

_WAY = st.components.v2.component(
    "way",
    html='<a target="_self"></a>',
    css="""
a { font-family: var(--st-font); font-size: .875rem; display: inline-block; padding: .4rem .8rem; line-height: 1.5;
  border-radius: var(--st-button-radius); border: 1px solid var(--st-border-color); color: var(--st-text-color);
  background: var(--st-background-color); text-decoration: none; margin: 3px; }
a.primary { background: var(--st-primary-color); border-color: var(--st-primary-color); color: #fff; font-weight: 600; }
a:hover { filter: brightness(.94); }
a:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
""",
    js="""
export default function ({ data, parentElement }) {
  const link = parentElement.querySelector("a")
  link.textContent = data.label
  link.setAttribute("href", data.address)
  link.classList.toggle("primary", data.primary)
  link.onclick = async (event) => {
    if (!data.typed) return
    event.preventDefault()
    const headers = { "Content-Type": "application/json" }
    await fetch("/auth/draft", { method: "POST", headers, body: JSON.stringify(data.typed) }).catch(() => {})
    window.location.assign(data.address)
  }
}
""",
)


def way(label: str, address: str, *, key: str, primary: bool = False, typed: Mapping[str, Any] | None = None) -> None:
    """To ``address``, a path of this app. ``typed``: values by their widget's key, kept when the person goes."""
    data = {"label": label, "address": address, "primary": primary, "typed": dict(typed) if typed else None}
    _WAY(data=data, key=f"way.{key}", height=48, width="content")
