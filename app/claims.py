"""What each claim of a JWT means, one sentence each, for the person it speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.texts import has, t
from app.zone import zone

_ORDER = ("sub", "preferred_username", "email", "iss", "aud", "azp", "scope", "exp", "iat", "nbf", "auth_time", "sid")
_TIMES = {"exp", "iat", "nbf", "auth_time"}


def explained(claims: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Claim, value and meaning: the claims that decide something first, the rest after them."""
    names = [name for name in _ORDER if name in claims] + [name for name in claims if name not in _ORDER]
    return [(name, shown(name, claims[name]), t(f"claim.{name}") if has(f"claim.{name}") else "") for name in names]


def shown(name: str, value: Any) -> str:
    """One claim's value as text; times (seconds since the epoch) as a clock reading."""
    if name in _TIMES and isinstance(value, int | float):
        return f"{clock(value)} ({value:.0f})"
    if isinstance(value, bool):
        return t("value.yes") if value else t("value.no")
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def clock(seconds: float) -> str:
    """A moment (seconds since the epoch) on the reader's clock: 08:41:25 KST, with the date unless it is today."""
    try:
        moment = datetime.fromtimestamp(seconds, zone())
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    name = moment.tzname() or ""
    named = f"UTC{name}" if name[:1] in "+-" and name else name
    today = moment.date() == datetime.now(zone()).date()
    return f"{moment:%H:%M:%S} {named}" if today else f"{moment:%Y-%m-%d %H:%M:%S} {named}"


def left(until: float, now: float) -> str:
    """Time left as 4:12, or 1:04:12; never below 0:00."""
    seconds = max(0, int(until - now))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"
