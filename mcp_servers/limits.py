"""Rate limits of GitHub and Jira: whether an answer is one, and when the API may be asked again. No I/O.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fastmcp_vault.sentences import Sentence

SHORTEST_WAIT = 0.2
UNTOLD_SECONDS = 60.0
"""GitHub's rule where its answer names no time: at least a minute."""

LONGEST_BELIEVED = 31 * 86_400.0
"""A time further away than this (seconds) is not meant."""

_EPOCH_FROM = 1e9
"""A number from here on is a time since 1970, in seconds or (a thousand times that) milliseconds; below, a duration."""

_WORDS = re.compile(r"rate[ -]?limit|abuse detection|too many requests", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """A refusal that time alone lifts: ``wait`` in seconds, ``at`` in seconds since the epoch by this machine's clock.

    ``told``: the API named that time. ``reason``: Jira's word for which limit it was.
    """

    wait: float
    at: float
    told: bool
    reason: str = ""

    @property
    def advice(self) -> str:
        """When to try again, for people: as a duration, and from two minutes on also as a time with its zone."""
        if self.wait < 120:
            return Sentence("Try again in {seconds} s.", seconds=math.ceil(self.wait))
        moment = datetime.fromtimestamp(self.at, UTC)
        day = f"{moment:%Y-%m-%d} " if self.wait >= 12 * 3600 else ""
        return Sentence(
            "Try again in {duration}, at {moment} UTC.", duration=_duration(self.wait), moment=f"{day}{moment:%H:%M}"
        )


def limit_in(status: int, headers: Mapping[str, str], words: str, *, now: float) -> Limit | None:
    """The limit that this answer tells of, or None. Header names in lower case; ``now``: seconds since the epoch.

    429 always is one, 503 with ``Retry-After`` too. 403 is, by GitHub's rules, with ``Retry-After``, with nothing
    remaining, or when its words say so; any other 403 is a missing right.
    """
    retry, remaining = headers.get("retry-after", "").strip(), headers.get("x-ratelimit-remaining", "").strip()
    limited = (
        status == 429
        or (status == 503 and bool(retry))
        or (status == 403 and (bool(retry) or remaining == "0" or bool(_WORDS.search(words))))
    )
    if not limited:
        return None
    # Times are compared with the clock of whoever wrote them, where the answer tells it.
    there = _moment(headers.get("date", "")) or now
    wait = _seconds(retry, there)
    # With something remaining a reset says nothing about this refusal (GitHub's secondary limits).
    if wait is None and remaining in ("", "0"):
        wait = _seconds(headers.get("x-ratelimit-reset", "").strip(), there)
    told = wait is not None
    wait = UNTOLD_SECONDS if wait is None else wait
    return Limit(wait, now + wait, told, headers.get("ratelimit-reason", "").strip())


def _seconds(text: str, now: float) -> float | None:
    """How long until a ``Retry-After`` (RFC 9110 §10.2.3) or reset: a duration, an epoch time, an HTTP or ISO date."""
    try:
        number = float(text)
    except ValueError:
        moment = _moment(text)
        wait = None if moment is None else moment - now
    else:
        if not math.isfinite(number) or number < 0:
            return None
        epoch = number / 1000 if number >= _EPOCH_FROM * 100 else number
        wait = epoch - now if number >= _EPOCH_FROM else number
    if wait is None or wait > LONGEST_BELIEVED:
        return None
    return max(0.0, wait)


def _moment(text: str) -> float | None:
    """An HTTP date or an ISO 8601 time as seconds since the epoch; one without a zone is UTC."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
        except (ValueError, TypeError, OverflowError):
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


def _duration(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    if minutes < 120:
        return Sentence("{minutes} min", minutes=minutes)
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return (
            Sentence("{hours} h {minutes} min", hours=hours, minutes=rest)
            if rest
            else Sentence("{hours} h", hours=hours)
        )
    return Sentence("{days} days", days=math.ceil(seconds / 86_400))
