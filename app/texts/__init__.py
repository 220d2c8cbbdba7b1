"""Every sentence of the interface by its key, one catalogue per language."""

from __future__ import annotations

from typing import Any

from app.texts.en import TEXTS


def t(key: str, **values: Any) -> str:
    """The sentence of ``key`` with ``values`` filled in. KeyError for a key that no catalogue holds."""
    return TEXTS[key].format(**values) if values else TEXTS[key]


def has(key: str) -> bool:
    """Whether the catalogue holds ``key``."""
    return key in TEXTS
