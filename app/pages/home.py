"""Home: what this is, who I am, whether every part is up."""

from __future__ import annotations

import streamlit as st

from app.claims import clock
from app.health import Part, parts
from app.process import Process
from app.session import Person
from app.texts import t
from app.view import sentence, visitor
from app.view.cards import table
from app.view.plain import mono, plain, prose
from fastmcp_vault.errors import Problem

HEALTH_SECONDS = 6.0


def steps() -> None:
    """The idea in three cards."""
    for number, column in enumerate(st.columns(3), start=1):
        with column.container(border=True, height="stretch"):
            st.subheader(f"{number} · {t(f'home.step{number}.title')}", anchor=False)
            st.markdown(t(f"home.step{number}.text"))


def who(person: Person | None) -> None:
    """Who is signed in, or the way in."""
    st.subheader(t("home.who"), anchor=False)
    if person is None:
        st.markdown(t("home.who.nobody"))
        return
    table(
        [
            (t("person.username"), plain(person.username)),
            (t("person.email"), mono(person.email)),
            (t("person.id"), mono(person.sub)),
            (t("person.since"), plain(clock(person.signed_in_at))),
        ]
    )
    st.page_link("mcp_tools.py", label=t("home.open-tools"), icon=":material/arrow_forward:")


@st.fragment
def health() -> None:
    """Every part with a word and an icon, and the fix beside what is down."""
    st.subheader(t("home.health"), anchor=False)
    try:
        with st.spinner(t("home.health.checking")):
            process = Process.current()
            found = process.loop.run(parts(process), timeout=HEALTH_SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return
    down = [part for part in found if not part.up]
    st.markdown(t("home.health.some", down=len(down), count=len(found)) if down else _all_up(found))
    st.markdown(" ".join(_badge(part) for part in found))
    st.markdown("\n".join(f"- **{plain(part.name)}** — {prose(part.fix)}" for part in down))
    st.button(t("home.health.again"), icon=":material/refresh:", key="health.again")


def _all_up(found: list[Part]) -> str:
    return t("home.health.all", count=len(found))


def _badge(part: Part) -> str:
    colour, icon, word = ("green", "check_circle", "up") if part.up else ("red", "cancel", "down")
    return f":{colour}-badge[:material/{icon}: {plain(part.name)}: {t(f'home.health.{word}')}]"


visitor.head(t("home.title"), t("home.lead"), back_to="/")
visitor.notice()
steps()
me, up = st.columns([1, 1], gap="large")
with me:
    who(visitor.visit().person)
with up:
    health()
