"""What surrounds every page: its title, the navigation, and who is looking. Streamlit runs this file first."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import language, session
from app.room import FACILITATOR
from app.texts import speak, t
from app.view import awake, press

_HERE = Path(__file__).parent

speak(language.current())
st.set_page_config(page_title=t("app.title"), page_icon=str(_HERE / "key.svg"), layout="wide")
st.session_state["visit"] = visit = session.current()
facilitators = [
    st.Page(
        _HERE / "people.py",
        title=t("nav.people"),
        icon=":material/groups:",
        url_path="people",
        help=t("nav.people.help"),
        visibility="visible" if visit.person and FACILITATOR in visit.person.roles else "hidden",
    )
]
page = st.navigation(
    [
        st.Page(_HERE / "home.py", title=t("nav.home"), icon=":material/home:", help=t("nav.home.help"), default=True),
        st.Page(
            _HERE / "mcp_tools.py",
            title=t("nav.tools"),
            icon=":material/handyman:",
            url_path="mcp-tools",
            help=t("nav.tools.help"),
        ),
        st.Page(
            _HERE / "connect.py",
            title=t("nav.connect"),
            icon=":material/cable:",
            url_path="connect",
            help=t("nav.connect.help"),
        ),
        st.Page(
            _HERE / "my_secrets.py",
            title=t("nav.own"),
            icon=":material/lock_person:",
            url_path="my-secrets",
            help=t("nav.own.help"),
        ),
        st.Page(
            _HERE / "vault_tokens.py",
            title=t("nav.tokens"),
            icon=":material/key:",
            url_path="vault-tokens",
            help=t("nav.tokens.help"),
        ),
        st.Page(
            _HERE / "login_relay.py",
            title=t("nav.relay"),
            icon=":material/forum:",
            url_path="login-relay",
            help=t("nav.relay.help"),
        ),
        st.Page(
            _HERE / "agents.py",
            title=t("nav.agents"),
            icon=":material/smart_toy:",
            url_path="agents",
            help=t("nav.agents.help"),
        ),
        st.Page(
            _HERE / "isolation.py",
            title=t("nav.isolation"),
            icon=":material/grid_on:",
            url_path="isolation",
            help=t("nav.isolation.help"),
        ),
        st.Page(
            _HERE / "attack_lab.py",
            title=t("nav.lab"),
            icon=":material/swords:",
            url_path="attack-lab",
            help=t("nav.lab.help"),
        ),
        st.Page(
            _HERE / "audit.py",
            title=t("nav.audit"),
            icon=":material/receipt_long:",
            url_path="audit",
            help=t("nav.audit.help"),
        ),
        st.Page(
            _HERE / "workshop.py",
            title=t("nav.workshop"),
            icon=":material/school:",
            url_path="workshop",
            help=t("nav.workshop.help"),
        ),
        st.Page(
            _HERE / "approve.py",
            title=t("nav.approve"),
            icon=":material/front_hand:",
            url_path="approve",
            help=t("nav.approve.help"),
            visibility="hidden",
        ),
        *facilitators,
    ],
    position="top",
)
page.run()
if visit.person:
    awake.listen()
press.page_drawn()
