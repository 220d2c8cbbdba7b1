"""What surrounds every page: its title, the navigation, and who is looking. Streamlit runs this file first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app import language, session
from app.room import FACILITATOR
from app.texts import speak, t
from app.view import awake, press

_HERE = Path(__file__).parent


def _page(name: str, key: str, icon: str, **options: Any) -> Any:
    """The page in ``<name>.py``; ``key`` names its sentences."""
    path = name.replace("_", "-")
    options = {"url_path": path} | options
    return st.Page(
        _HERE / f"{name}.py", title=t(f"nav.{key}"), icon=f":material/{icon}:", help=t(f"nav.{key}.help"), **options
    )


speak(language.current())
st.set_page_config(page_title=t("app.title"), page_icon=str(_HERE / "key.svg"), layout="wide")
st.session_state["visit"] = visit = session.current()
facilitates = visit.person is not None and FACILITATOR in visit.person.roles
page = st.navigation(
    {
        "": [
            _page("home", "home", "home", default=True, url_path=""),
            _page("approve", "approve", "front_hand", visibility="hidden"),
            _page("connect_account", "connect-account", "link", visibility="hidden"),
        ],
        t("nav.group.use"): [
            _page("mcp_tools", "tools", "handyman"),
            _page("my_secrets", "own", "lock_person"),
            _page("connect", "connect", "cable"),
        ],
        t("nav.group.look"): [
            _page("watch", "watch", "slideshow"),
            _page("audit", "audit", "receipt_long"),
        ],
        t("nav.group.attack"): [
            _page("isolation", "isolation", "grid_on"),
            _page("attack_lab", "lab", "swords"),
        ],
        t("nav.group.learn"): [
            _page("workshop", "workshop", "school"),
            _page("people", "people", "groups", visibility="visible" if facilitates else "hidden"),
            _page("vault_tokens", "tokens", "key"),
            _page("login_relay", "relay", "forum"),
            _page("agents", "agents", "smart_toy"),
        ],
    },
    position="top",
)
page.run()
if visit.person:
    awake.listen()
press.page_drawn()
