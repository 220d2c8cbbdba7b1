"""Sessions that ended long ago: no process keeps them in memory, and an offline token may still name one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.listener import REMEMBERED_SECONDS

KEPT_SECONDS = 100 * 86_400.0
"""How long the database remembers an ended session: longer than Keycloak lets an offline session live (init sets 90
days), so that whatever could be made from the session is dead before its end is forgotten."""

ASKED_SECONDS = 600.0
"""How long the answer "not ended" holds: an ending after it is announced, and remembered for much longer than this."""

LIMIT = 10_000
"""Answers remembered at once."""


class Endings:
    """Asks the database about sign-ins older than memory reaches. ``clock`` gives seconds and does not jump."""

    def __init__(self, pool: AsyncConnectionPool, *, clock: Callable[[], float]) -> None:
        self._pool, self._clock = pool, clock
        self._asked: OrderedDict[tuple[str, float], float] = OrderedDict()

    async def ended(self, sid: str, auth_time: float, *, now: float) -> bool:
        """Whether the session ended since the sign-in at ``auth_time``; ``now`` and it in seconds since the epoch.

        False at once for a sign-in so young that memory holds every end since. Raises StateUnavailable.
        """
        if now - auth_time < REMEMBERED_SECONDS / 2:
            return False
        key, at = (sid, auth_time), self._clock()
        if at - self._asked.get(key, float("-inf")) < ASKED_SECONDS:
            return False
        with translated("asking whether a session has ended"):
            async with self._pool.connection() as connection:
                found = await connection.execute(
                    "SELECT FROM ended_sessions WHERE sid = %s AND ended_at >= to_timestamp(%s)", (sid, auth_time)
                )
                ended = await found.fetchone() is not None
        if not ended:
            self._asked[key] = at
            self._asked.move_to_end(key)
            if len(self._asked) > LIMIT:
                self._asked.popitem(last=False)
        return ended
