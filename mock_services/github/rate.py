"""GitHub's request counts as its headers tell them. The counts are kept; nobody is ever refused for them."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 3600
"""Seconds after which a count starts again."""

SIGNED_IN, ANONYMOUS = 5000, 60


@dataclass(frozen=True)
class Rate:
    """One account's standing; ``reset`` is a Unix time in seconds."""

    limit: int
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        """Requests left. Never 0: clients would wait for the reset, and a demo should go on."""
        return max(1, self.limit - self.used)

    def as_dict(self) -> dict[str, int | str]:
        """The form of ``/rate_limit``."""
        used = self.limit - self.remaining
        return {"limit": self.limit, "used": used, "remaining": self.remaining, "reset": self.reset}

    def headers(self) -> dict[str, str]:
        """The form of the response headers."""
        shown = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in self.as_dict().items()}
        return {**shown, "X-RateLimit-Resource": "core"}


class Rates:
    """Counts by account, each in windows of an hour."""

    def __init__(self) -> None:
        self._rates: dict[str | None, Rate] = {}

    def count(self, login: str | None, *, now: float) -> Rate:
        """Count one request."""
        known = self._rates.get(login)
        if known is None or known.reset <= now:
            known = Rate(SIGNED_IN if login else ANONYMOUS, 0, int(now) + WINDOW)
        self._rates[login] = counted = Rate(known.limit, known.used + 1, known.reset)
        return counted
