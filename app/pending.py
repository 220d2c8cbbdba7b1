"""Sign-ins under way, from the redirect to Keycloak to the return, and logout tokens: each is good once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import SecretStr

from fastmcp_vault.state import FinishedLogins
from fastmcp_vault.state.sealing import SealedBox

LIFETIME = 600.0
"""Seconds in which a sign-in must be finished."""

SPARE_SECONDS = 60.0
"""How much longer than its cookie a finished sign-in is remembered, for clocks that differ."""

LIMIT = 10_000
"""Logout tokens remembered at once; beyond it the oldest is forgotten, so that nobody can fill the memory."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One sign-in: OpenID Connect's ``state`` and ``nonce``, PKCE's verifier, and where to go afterwards.

    ``asked`` is the authorization request's address, masked; ``acr`` the level that it demanded, if any; ``anew`` says
    that it demanded the password.
    """

    state: str
    nonce: str
    verifier: SecretStr
    next: str
    asked: str = ""
    acr: str = ""
    anew: bool = False


class SealedCookies:
    """What is begun here and ends at another site, each sealed in a cookie of its own browser: nobody who begins many
    can push another's out.

    So it survives a restart of the app, and may end at another replica. ``key`` is the app's session key, from which
    one of this ``purpose`` is derived.
    """

    def __init__(self, key: SecretStr, purpose: str) -> None:
        derived = hmac.digest(key.get_secret_value().encode(), f"mcp-remote-vault/{purpose}".encode(), "sha256")
        self._box = SealedBox([SecretStr(base64.urlsafe_b64encode(derived).decode("ascii"))])

    def sealed(self, begun: Mapping[str, Any]) -> str:
        """What the browser must bring back within LIFETIME seconds; readable here only. It holds a ``state``."""
        return self._box.seal(json.dumps(begun).encode()).decode("ascii")

    def opened(self, cookie: str, *, state: str) -> dict[str, Any] | None:
        """What this cookie holds; None when it is not ours, too old, or of another ``state``."""
        data = self._box.opened(cookie.encode("utf-8", "surrogatepass"), within=LIFETIME) if cookie else None
        if data is None:
            return None
        begun: dict[str, Any] = json.loads(data)
        return begun if secrets.compare_digest(begun["state"].encode(), state.encode()) else None


class PendingLogins:
    """Sign-ins under way. ``key`` is the app's session key; ``marks`` make each good once."""

    def __init__(self, key: SecretStr, marks: FinishedLogins) -> None:
        self._cookies, self._marks = SealedCookies(key, "sign-in"), marks

    def sealed(self, pending: Pending) -> str:
        """What the browser must bring back within LIFETIME seconds; readable here only."""
        return self._cookies.sealed(asdict(pending) | {"verifier": pending.verifier.get_secret_value()})

    def opened(self, cookie: str, *, state: str) -> Pending | None:
        """The sign-in of this cookie; None when it is not ours, too old, or of another ``state``."""
        kept = self._cookies.opened(cookie, state=state)
        return Pending(**kept | {"verifier": SecretStr(kept["verifier"])}) if kept is not None else None

    async def finish(self, pending: Pending) -> bool:
        """True the first time, once Keycloak has redeemed its code. Raises StateUnavailable."""
        return await self._marks.finish(pending.state, lifetime=LIFETIME + SPARE_SECONDS)


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


def cookie_name(state: str, kind: str = "login") -> str:
    """The cookie of what was begun with this ``state``: one each, so that two tabs may do it at once."""
    return f"mcp_demo_{kind}_{_digest(state)[:12]}"


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
