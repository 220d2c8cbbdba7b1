"""What servers ask of the state that replicas share: kept in PostgreSQL by ``State``, in memory by ``MemoryState``.

Both refuse in the same words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from fastmcp_vault.errors import ServerSuspended
from fastmcp_vault.sentences import Sentence

OnEnded = Callable[[str], Awaitable[None]]
"""Awaited with the session id (``sid``) of each session found ended."""

OnSuspended = Callable[[str], Awaitable[None]]
"""Awaited with the name of each server found suspended."""


@dataclass(frozen=True, slots=True)
class RegisteredToken:
    """One Vault token: who got it through which server; ``expires_at`` in seconds since the epoch."""

    accessor: str
    server: str
    sub: str
    sid: str
    expires_at: float
    username: str = ""


class TokenRegister(Protocol):
    """Which Vault tokens are held, by accessor, so that what a killed replica leaves behind can be ended."""

    async def register(self, token: RegisteredToken) -> None:
        """Note a token, or a new end of one already noted. Raises StateUnavailable."""

    async def forget(self, accessor: str) -> None:
        """The token is revoked; one that is not there is fine. Raises StateUnavailable."""


class SharedState(Protocol):
    """Ended sessions and suspended servers, known without I/O, and the register of Vault tokens."""

    @property
    def vault_tokens(self) -> TokenRegister:
        """The register."""

    def check(self, *, sid: str, server: str, auth_time: float) -> None:
        """Nothing, if the session of a sign-in at ``auth_time`` (seconds since the epoch) may go on at this server.

        No I/O. Raises StateUnavailable when that cannot be known, SessionEnded, ServerSuspended.
        """

    async def admit(self, *, sid: str, server: str, auth_time: float) -> None:
        """As :meth:`check`, for a token that comes in; ends that are not in memory any more are looked up."""

    def turn(self, name: str, *, lasts: float) -> AbstractAsyncContextManager[None]:
        """Alone among all replicas of this server inside the block, for work of this name.

        ``lasts``: seconds after which another one may begin, because this one was killed. Who comes meanwhile waits.
        Raises StateUnavailable.
        """

    def on_ended(self, react: OnEnded) -> None:
        """Await ``react(sid)`` for each session found ended from now on."""

    def on_suspended(self, react: OnSuspended) -> None:
        """Await ``react(server)`` for each server found suspended from now on."""


def server_suspended(server: str, reason: str) -> ServerSuspended:
    """The refusal of every call at a server that an administrator has stopped."""
    said = f": {reason}" if reason else ""
    return ServerSuspended(
        Sentence("The MCP server {server} is suspended{said}.", server=server, said=said),
        fix="An administrator lifts the suspension.",
    )
