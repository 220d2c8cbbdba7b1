"""The shared state of a server that runs once: in memory, gone with the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self
from weakref import WeakValueDictionary

from fastmcp_vault.errors import session_ended
from fastmcp_vault.state.protocol import OnEnded, OnSuspended, RegisteredToken, server_suspended


class MemoryRegister:
    """The Vault tokens that this process holds."""

    def __init__(self) -> None:
        self._tokens: dict[str, RegisteredToken] = {}

    async def register(self, token: RegisteredToken) -> None:
        """Note a token, or a new end of one already noted."""
        self._tokens[token.accessor] = token

    async def forget(self, accessor: str) -> None:
        """The token is revoked; one that is not there is fine."""
        self._tokens.pop(accessor, None)

    async def all(self) -> list[RegisteredToken]:
        """Every token that is held."""
        return list(self._tokens.values())


class MemoryState:
    """For one process: who was ended or suspended here. With several replicas use the state in PostgreSQL.

    What is remembered of ended sessions is bounded by ``remembered``, the oldest forgotten first.
    ``clock``: seconds since the epoch.
    """

    def __init__(self, *, remembered: int = 100_000, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._ended: dict[str, float] = {}
        self._suspended: dict[str, str] = {}
        self._remembered = remembered
        self._on_ended: list[OnEnded] = []
        self._on_suspended: list[OnSuspended] = []
        self.vault_tokens = MemoryRegister()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, name: str, *, lasts: float) -> AsyncIterator[None]:
        """Alone in this process inside the block, for work of this name."""
        async with self._turns.setdefault(name, asyncio.Lock()):
            yield

    async def admit(self, *, sid: str, server: str, auth_time: float) -> None:
        """As :meth:`check`."""
        self.check(sid=sid, server=server, auth_time=auth_time)

    def check(self, *, sid: str, server: str, auth_time: float) -> None:
        """Nothing, if this session may go on at this server: it has not ended since its sign-in at ``auth_time``.

        Raises SessionEnded, ServerSuspended.
        """
        if sid and auth_time <= self._ended.get(sid, float("-inf")):
            raise session_ended()
        if server in self._suspended:
            raise server_suspended(server, self._suspended[server])

    def on_ended(self, react: OnEnded) -> None:
        """Await ``react(sid)`` for each session that ends from now on."""
        self._on_ended.append(react)

    def on_suspended(self, react: OnSuspended) -> None:
        """Await ``react(server)`` for each server that is suspended from now on."""
        self._on_suspended.append(react)

    async def end_session(self, sid: str) -> None:
        """This session is over: its tokens are refused from now on, what is held for it is revoked."""
        self._ended[sid] = self._clock()
        while len(self._ended) > self._remembered:
            del self._ended[next(iter(self._ended))]
        await asyncio.gather(*(react(sid) for react in self._on_ended))

    async def suspend(self, server: str, *, reason: str = "") -> None:
        """Stop a server for everybody; what it holds is revoked."""
        self._suspended[server] = reason
        await asyncio.gather(*(react(server) for react in self._on_suspended))

    async def resume(self, server: str) -> None:
        """Lift a suspension; one that is not there is fine."""
        self._suspended.pop(server, None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""
