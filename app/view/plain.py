"""Text from elsewhere, as text: what a server or a person wrote must not become a link, an image or a heading."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|$~^:-])")


def plain(text: object) -> str:
    """``text`` as Markdown that shows exactly that text, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def mono(text: object) -> str:
    """``text`` in monospace: for tokens, paths and addresses."""
    shown = " ".join(str(text).split()).replace("`", "ˋ")
    return f"`{shown}`" if shown else ""
