"""What is good only once: sign-ins under way, from the redirect to Keycloak to the return, and logout tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from pydantic import SecretStr

LIFETIME = 600.0
"""Seconds in which a sign-in must be finished."""

LIMIT = 10_000
"""Entries kept at once; beyond it the oldest is forgotten, so that nobody can fill the memory."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One sign-in: OpenID Connect's ``state`` and ``nonce``, PKCE's verifier, and where to go afterwards.

    ``asked`` is the authorization request's address, masked.
    """

    state: str
    nonce: str
    verifier: SecretStr
    next: str
    started_at: float
    asked: str = ""


class PendingLogins:
    """A bounded, one-use store. Keys are random; the browser holds one in a cookie, the rest stays here."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Pending] = OrderedDict()

    def keep(self, pending: Pending, *, now: float) -> str:
        """Remember ``pending``; returns the secret that the browser must bring back (``now``: epoch seconds)."""
        self._forget_old(now)
        key = secrets.token_urlsafe(32)
        self._kept[_digest(key)] = pending
        while len(self._kept) > LIMIT:
            self._kept.popitem(last=False)
        return key

    def take(self, key: str, *, state: str, now: float) -> Pending | None:
        """The sign-in of this key, once; None when unknown, used, too old, or of another ``state``."""
        self._forget_old(now)
        pending = self._kept.pop(_digest(key), None)
        if pending is None or not secrets.compare_digest(pending.state.encode(), state.encode()):
            return None
        return pending

    def _forget_old(self, now: float) -> None:
        while self._kept and now - next(iter(self._kept.values())).started_at > LIFETIME:
            self._kept.popitem(last=False)


class SeenTokens:
    """The ``jti`` of logout tokens until they expire (OpenID Connect Back-Channel Logout 1.0 §2.6). Bounded."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def was_used(self, jti: str, *, now: float) -> bool:
        """Whether this token did its work already (``now``: epoch seconds)."""
        for old in [key for key, end in self._until.items() if end < now]:
            del self._until[old]
        return jti in self._until

    def used(self, jti: str, *, until: float) -> None:
        """This token has done its work; remembered ``until`` its end (epoch seconds)."""
        self._until[jti] = until
        if len(self._until) > LIMIT:
            self._until.popitem(last=False)


def cookie_name(state: str) -> str:
    """The cookie of the sign-in with this ``state``: one each, so that two tabs may sign in at once."""
    return f"mcp_demo_login_{_digest(state)[:12]}"


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
