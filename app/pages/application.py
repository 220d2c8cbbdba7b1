"""The application: a program without a person, which logs in by itself and keeps its secrets fresh."""

from __future__ import annotations

import streamlit as st

from app.texts import t
from app.view import application_view, visitor

visitor.head(t("application.title"), t("application.lead"), back_to="/application")
visitor.needed()
application_view.show()
st.subheader(t("application.terminal"), anchor=False)
st.markdown(t("application.terminal.text"))
st.code(
    ".venv/bin/python -m vault_client --config .demo/data/my-vault-app/config.ini", language="bash", wrap_lines=True
)
