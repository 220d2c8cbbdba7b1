"""A server's credential card: who it takes the person for, which Vault path it reads, and what it found there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.claims import left
from app.texts import t
from app.view.plain import mono, plain, prose

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
_MONO = {"user_id", "vault_path", "masked_credential", "entity"}


def badge(present: bool | None) -> str:
    """Whether there is a credential, as a badge with an icon and a word."""
    if present is None:
        return f":gray-badge[:material/help: {t('card.unknown')}]"
    if present:
        return f":green-badge[:material/key: {t('card.present')}]"
    return f":red-badge[:material/key_off: {t('card.absent')}]"


def card(facts: Mapping[str, Any]) -> None:
    """The facts that ``credential_status`` gives, those that are there, in a fixed order."""
    rows = [(t(f"card.{name}"), _shown(name, facts[name])) for name in _ROWS if facts.get(name) not in (None, "")]
    if rows:
        body = "\n".join(f"| {plain(name)} | {value} |" for name, value in rows)
        st.markdown(f"| | |\n|---|---|\n{body}")


def _shown(name: str, value: Any) -> str:
    if name == "lease_seconds":
        return t("card.lease", left=left(float(value), 0.0))
    return mono(value) if name in _MONO else prose(value)
