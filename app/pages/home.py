"""Home: what this is, drawn live; who I am; whether every part is up."""

from __future__ import annotations

import streamlit as st

from app.claims import clock
from app.health import PartHealth, parts
from app.process import AppProcess
from app.session import Person
from app.stage import of_call, picture
from app.texts import t
from app.view import press, sentence, traces, visitor
from app.view.cards import table
from app.view.plain import mono, plain, prose
from app.view.stage import stage
from fastmcp_vault.errors import Problem

HEALTH_SECONDS = 6.0


def asked() -> list[PartHealth]:
    """Every part, asked now; none where that cannot be done, and the reason is shown."""
    try:
        with st.spinner(t("home.health.checking")):
            process = AppProcess.current()
            return process.loop.run(parts(process), timeout=HEALTH_SECONDS)
    except Problem as problem:
        sentence.problem(problem)
        return []


def drawn(found: list[PartHealth]) -> None:
    """The picture: parts that are down, and this person's last call, are on it."""
    last = next((trace for trace in traces.remembered() if of_call(trace)), None)
    stage(picture(last, {part.place for part in found if not part.up}), key="home.stage")


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


def health(found: list[PartHealth]) -> None:
    """Every part with a word and an icon, and the fix beside what is down."""
    st.subheader(t("home.health"), anchor=False)
    down = [part for part in found if not part.up]
    st.markdown(t("home.health.some", down=len(down), count=len(found)) if down else _all_up(found))
    st.markdown(" ".join(_badge(part) for part in found))
    st.markdown("\n".join(f"- **{plain(part.name)}** — {prose(part.fix)}" for part in down))
    st.button(t("home.health.again"), icon=":material/refresh:", key="health.again")


def _all_up(found: list[PartHealth]) -> str:
    return t("home.health.all", count=len(found))


def _badge(part: PartHealth) -> str:
    colour, icon, word = ("green", "check_circle", "up") if part.up else ("red", "cancel", "down")
    return f":{colour}-badge[:material/{icon}: {plain(part.name)}: {t(f'home.health.{word}')}]"


visitor.head(t("home.title"), t("home.lead"), back_to="/")
visitor.notice()
press.button(t("picture.watch"), key="home.watch", type="primary", icon=":material/slideshow:")
if press.taken("home.watch"):
    st.switch_page("watch.py")
beside, main = st.columns([1, 3], gap="large")
with main:
    states = asked()
    drawn(states)
# Beside the picture and not below it: nothing moves when it comes.
with beside:
    who(visitor.visit().person)
    health(states)
