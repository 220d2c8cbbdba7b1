"""Whether sessions still live, asked of Keycloak: for ends that no back channel tells.

Keycloak tells the app of sessions that the app is part of. It tells nobody when a session of a client that registered
itself ends, or when a person is disabled or deleted. So a server asks (RFC 7662), once in ASK_SECONDS for each session
and client that call, however many calls there are.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import SecretStr

from fastmcp_vault.errors import Problem, session_ended
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.tracing import recording

ASK_SECONDS = 3.0
"""How often a session that is in use is asked about, beside its calls."""

STALE_SECONDS = 5.0
"""A call of a session that was last asked about longer ago waits for the answer."""

WAIT_SECONDS = 1.0
"""For so long, and no longer: while Keycloak is down, tokens it has issued go on until they expire."""

LAST_SECONDS = 10.0
"""A token this near its end is not asked about: expired on the way, it would look like an ended session."""

CAPACITY = 10_000

Active = Callable[[SecretStr], Awaitable[bool]]
Ended = Callable[[str], Awaitable[None]]

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Seen:
    """What is known of one session at one client. ``asked_at``: when the last question was sent, on the clock."""

    asked_at: float
    ended: bool = False
    asking: asyncio.Task[None] | None = None


class Standing:
    """Sessions as Keycloak answered about them. ``active`` asks; one event loop. ``clock``: seconds since the epoch.

    A session at one client (``iss``, ``sid``, ``azp``) is refused from the first "not active" on; a new sign-in, by its
    ``auth_time``, is asked about anew, for Keycloak may give it the same ``sid``.
    """

    def __init__(self, active: Active, *, clock: Callable[[], float] = time.time) -> None:
        self._active, self._clock = active, clock
        self._seen: OrderedDict[tuple[str, str, str, float], _Seen] = OrderedDict()
        self._on_ended: list[Ended] = []

    def on_ended(self, react: Ended) -> None:
        """Await ``react(sid)`` when a session is found ended."""
        self._on_ended.append(react)

    async def check(self, claims: Claims, token: str) -> None:
        """Nothing, while nothing speaks against the session. Raises SessionEnded.

        A session that is new here is asked about beside its first call: what that call needs is exchanged at Keycloak,
        which gives nothing to a session that has ended.
        """
        key = (claims.iss, claims.sid, claims.azp, claims.auth_time)
        now, seen = self._clock(), self._seen.get(key)
        new = seen is None
        if seen is None:
            seen = self._seen[key] = _Seen(asked_at=float("-inf"))
            if len(self._seen) > CAPACITY:
                self._seen.popitem(last=False)
        stale = now - seen.asked_at >= STALE_SECONDS and not new
        if not seen.ended and now - seen.asked_at >= ASK_SECONDS and claims.exp - now > LAST_SECONDS:
            if seen.asking is None or seen.asking.done():
                seen.asked_at = now
                seen.asking = asyncio.create_task(self._ask(claims.sid, SecretStr(token), seen))
            if stale:
                await asyncio.wait({seen.asking}, timeout=WAIT_SECONDS)
        if seen.ended:
            raise session_ended()

    async def close(self) -> None:
        """Leave what is being asked."""
        asking = [seen.asking for seen in self._seen.values() if seen.asking is not None]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, sid: str, token: SecretStr, seen: _Seen) -> None:
        with recording(None):
            try:
                seen.ended = not await self._active(token)
                if seen.ended:
                    for react in self._on_ended:
                        await react(sid)
            except Problem as problem:
                _log.warning("Whether a session still lives could not be asked: %s", problem.what)
