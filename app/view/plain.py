"""Text from elsewhere, as text: what a server or a person wrote must not become a link, an image or a heading."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|$~^:-])")


_ADDRESS = re.compile(r"https?:/|www\.|[^\s@]@[^\s@]", re.IGNORECASE)
"""What browsers' Markdown makes a link of by itself (GitHub Flavored Markdown, Autolinks), escaped or not."""


def plain(text: object) -> str:
    """``text`` as Markdown that shows exactly that text, on one line; addresses in monospace, which is never a link."""
    return " ".join(mono(w) if _ADDRESS.search(w) else _SPECIAL.sub(r"\\\1", w) for w in str(text).split())


def prose(text: object) -> str:
    """A sentence of ours or a server's as Markdown: what stands between backticks in monospace, the rest as it is."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return plain(text)
    return "".join(mono(part) if i % 2 else plain_inline(part) for i, part in enumerate(parts))


def plain_inline(text: str) -> str:
    """Like :func:`plain`, with the spaces at both ends kept."""
    inner = plain(text)
    return f"{' ' if text[:1].isspace() else ''}{inner}{' ' if inner and text[-1:].isspace() else ''}"


def mono(text: object) -> str:
    """``text`` in monospace: for tokens, paths and addresses."""
    shown = " ".join(str(text).split()).replace("`", "ˋ")
    return f"`{shown}`" if shown else ""
