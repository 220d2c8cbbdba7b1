"""A server's credential card: who it takes the person for, which Vault path it reads, and what it found there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.claims import left
from app.texts import t
from app.view.plain import mono, prose

_ROWS = (
    "user_id",
    "username",
    "email",
    "entity",
    "vault_path",
    "masked_credential",
    "credential_version",
    "lease_seconds",
    "reason",
)
_BRIEF = ("user_id", "username", "email", "entity", "vault_path", "masked_credential")
_MONO = {"user_id", "email", "vault_path", "masked_credential", "entity"}


def badge(present: bool | None) -> str:
    """Whether there is a credential, as a badge with an icon and a word."""
    if present is None:
        return f":gray-badge[:material/help: {t('card.unknown')}]"
    if present:
        return f":green-badge[:material/key: {t('card.present')}]"
    return f":red-badge[:material/key_off: {t('card.absent')}]"


def card(facts: Mapping[str, Any], *, brief: bool = False) -> None:
    """The facts of ``credential_status`` that are there; ``brief`` leaves out what a verdict has said."""
    names = _BRIEF if brief else _ROWS
    table([(t(f"card.{name}"), _shown(name, facts)) for name in names if facts.get(name) not in (None, "")])


def table(rows: Sequence[tuple[str, str]]) -> None:
    """Names and values (Markdown) in two quiet columns."""
    if rows:
        columns = {"name": [name for name, _ in rows], "value": [value for _, value in rows]}
        st.table(columns, border="horizontal", hide_index=True, hide_header=True)


def _shown(name: str, facts: Mapping[str, Any]) -> str:
    value = facts[name]
    if name == "lease_seconds":
        now = time.time()
        return t("card.lease", left=left(float(facts.get("expires_at") or now + float(value)), now))
    return mono(value) if name in _MONO else prose(value)
