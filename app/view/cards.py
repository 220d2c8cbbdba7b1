"""A server's credential card: one person under each part's name, and a stored secret or one made on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.claims import clock
from app.identity import names
from app.texts import t
from app.view.countdown import countdown
from app.view.plain import mono, plain, prose


def badge(facts: Mapping[str, Any] | None) -> str:
    """Whether there is a credential, and of which kind, as a badge with an icon and a word."""
    if not facts:
        return f":gray-badge[:material/help: {t('card.unknown')}]"
    if not facts.get("present"):
        return f":red-badge[:material/key_off: {t('card.absent')}]"
    if facts.get("account"):
        return f":blue-badge[:material/link: {t('card.connected')}]"
    if facts.get("made_at"):
        return f":violet-badge[:material/timer: {t('card.made')}]"
    return f":green-badge[:material/inventory_2: {t('card.stored')}]"


def card(title: str, facts: Mapping[str, Any] | None, *, key: str) -> None:
    """One server's card, in two lines: who the person is to each part, and what this server has of them."""
    with st.container(border=True, gap="xxsmall", key=f"card.{key}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"identity.{key}"):
            st.markdown(f"**{plain(title)}** {badge(facts)}", width="content")
            _identity(facts or {}, key)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"life.{key}"):
            _credential(facts, key)


def _identity(facts: Mapping[str, Any], key: str) -> None:
    for place, name in enumerate(names(facts)):
        if place:
            st.markdown("**=**", width="content")
        with st.popover(name.label, type="tertiary", key=f"name.{key}.{name.kind}"):
            st.markdown(mono(name.value))
            st.markdown(prose(name.why))


def _credential(facts: Mapping[str, Any] | None, key: str) -> None:
    if not facts:
        return
    path = mono(facts["vault_path"]) if facts.get("vault_path") else ""
    if not facts.get("present"):
        st.markdown(" ".join(filter(None, (path, t("card.nothing")))))
        return
    st.markdown(f"{path} → {mono(facts.get('masked_credential') or '')}", width="content")
    if facts.get("made_at") and facts.get("expires_at"):
        made, until = float(facts["made_at"]), float(facts["expires_at"])
        when = t("card.made.when", made=plain(clock(made)), dropped=plain(clock(until)))
        st.markdown(when, width="content", help=t("card.made.about"))
        countdown(until, key=f"left.card.{key}")
    elif facts.get("account"):
        when = t("card.connected.when", account=plain(str(facts["account"])))
        st.markdown(when, width="content", help=t("card.connected.about"))
    elif facts.get("written_at") and facts.get("credential_version"):
        written = plain(clock(float(facts["written_at"])))
        when = t("card.stored.when", version=facts["credential_version"], written=written)
        st.markdown(when, width="content", help=t("card.stored.about"))


def table(rows: Sequence[tuple[str, str]]) -> None:
    """Names and values (Markdown) in two quiet columns."""
    if rows:
        columns = {"name": [name for name, _ in rows], "value": [value for _, value in rows]}
        st.table(columns, border="horizontal", hide_index=True, hide_header=True)
