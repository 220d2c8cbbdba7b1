"""What is kept for callers, one value for each session: it goes when the session ends or access is suspended."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from fastmcp_vault.credentials.caller import CallerKey
from fastmcp_vault.errors import session_ended
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.state.protocol import Principal, SharedState, Suspended, access_suspended, principals_of
from fastmcp_vault.vault import Cache


class KeptForCaller(Protocol):
    """A value that was made for the caller with these ``claims``."""

    @property
    def claims(self) -> Claims:
        """The caller's, when it was made."""

    @property
    def expires_at(self) -> float:
        """When it must go (seconds since the epoch)."""


H = TypeVar("H", bound=KeptForCaller)


class CallerCache(Cache[CallerKey, H]):
    """A cache of one program, the ``holder``, which ends what it keeps together with the access it was made for."""

    def __init__(
        self,
        *,
        holder: str,
        state: SharedState,
        capacity: int,
        release: Callable[[H], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(capacity=capacity, expires_at=lambda kept: kept.expires_at, release=release, clock=clock)
        self._holder = holder
        state.on_ended(self.session_ended)
        state.on_suspended(self._suspended)

    async def session_ended(self, sid: str) -> None:
        """Let go of what is kept for this session."""
        await self.drop(lambda key: key.sid == sid, because=session_ended())

    async def _suspended(self, what: Suspended) -> None:
        """Let go of everything, if it is this program; of what is kept for that person, or for calls by that client."""
        if what == self._holder:
            await self.drop(lambda _: True)
        elif isinstance(what, Principal):
            theirs = {
                (c.iss, c.sub, c.sid) for c in (kept.claims for kept in self.values()) if what in principals_of(c)
            }
            await self.drop(
                lambda key: key[:3] in theirs or Principal("person", key.iss, key.sub) == what,
                because=access_suspended(what, ""),
            )
