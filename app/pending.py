"""What is good only once: sign-ins under way, from the redirect to Keycloak to the return, and logout tokens."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from dataclasses import asdict, dataclass

from pydantic import SecretStr

from state import State

LIFETIME = 600.0
"""Seconds in which a sign-in must be finished."""

LIMIT = 10_000
"""Logout tokens remembered at once; beyond it the oldest is forgotten, so that nobody can fill the memory."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One sign-in: OpenID Connect's ``state`` and ``nonce``, PKCE's verifier, and where to go afterwards.

    ``asked`` is the authorization request's address, masked; ``acr`` the level that it demanded, if any.
    """

    state: str
    nonce: str
    verifier: SecretStr
    next: str
    asked: str = ""
    acr: str = ""


class PendingLogins:
    """A one-use store. Keys are random; the browser holds one in a cookie, the rest lies in ``mcp_state``, encrypted.

    So a sign-in survives a restart of the app, and may end at another replica. Methods raise StateUnavailable.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    async def keep(self, pending: Pending) -> str:
        """Remember ``pending``; returns the secret that the browser must bring back."""
        key = secrets.token_urlsafe(32)
        data = asdict(pending) | {"verifier": pending.verifier.get_secret_value()}
        await self._state.pending_logins.keep(key, json.dumps(data).encode(), lifetime=LIFETIME)
        return key

    async def take(self, key: str, *, state: str) -> Pending | None:
        """The sign-in of this key, once; None when unknown, used, too old, or of another ``state``."""
        data = await self._state.pending_logins.take(key) if key else None
        if data is None:
            return None
        kept = json.loads(data)
        pending = Pending(**kept | {"verifier": SecretStr(kept["verifier"])})
        return pending if secrets.compare_digest(pending.state.encode(), state.encode()) else None


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
