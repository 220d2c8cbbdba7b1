"""Passwords for people to read from paper or a screen, and to type."""

from __future__ import annotations

import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""What nobody misreads: no i, l, o, 0 and 1. Twelve of them are 59 bits."""


def readable() -> str:
    """Three groups of four."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return "-".join(letters[start : start + 4] for start in range(0, 12, 4))
