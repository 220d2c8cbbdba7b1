"""The shared state of a server that runs once: in memory, gone with the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self
from weakref import WeakValueDictionary

from fastmcp_vault.errors import session_ended
from fastmcp_vault.state.protocol import (
    OnEnded,
    OnSuspended,
    Principal,
    RegisteredToken,
    Suspended,
    TokenBearer,
    access_suspended,
    principals_of,
    server_suspended,
)


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
        self._suspended: dict[Suspended, str] = {}
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

    async def admit(self, bearer: TokenBearer, *, server: str) -> None:
        """As :meth:`check`."""
        self.check(bearer, server=server)

    def check(self, bearer: TokenBearer, *, server: str) -> None:
        """Nothing, if whoever bears this token may go on at this server.

        Raises PersonSuspended, ClientSuspended, SessionEnded, ServerSuspended.
        """
        self.check_principals(*principals_of(bearer))
        if bearer.sid and bearer.auth_time <= self._ended.get(bearer.sid, float("-inf")):
            raise session_ended()
        if server in self._suspended:
            raise server_suspended(server, self._suspended[server])

    def check_principals(self, *principals: Principal) -> None:
        """Nothing, if none of these people and clients is suspended. Raises PersonSuspended, ClientSuspended."""
        for principal in principals:
            if principal in self._suspended:
                raise access_suspended(principal, self._suspended[principal])

    def on_ended(self, react: OnEnded) -> None:
        """Await ``react(sid)`` for each session that ends from now on."""
        self._on_ended.append(react)

    def on_suspended(self, react: OnSuspended) -> None:
        """Await ``react(suspended)`` for each server, person and client that is suspended from now on."""
        self._on_suspended.append(react)

    async def end_session(self, sid: str) -> None:
        """This session is over: its tokens are refused from now on, what is held for it is revoked."""
        self._ended[sid] = self._clock()
        while len(self._ended) > self._remembered:
            del self._ended[next(iter(self._ended))]
        await asyncio.gather(*(react(sid) for react in self._on_ended))

    async def suspend(self, what: Suspended, *, reason: str = "") -> None:
        """Stop a server for everybody, or a person or a client at every server; what is held is revoked."""
        self._suspended[what] = reason
        await asyncio.gather(*(react(what) for react in self._on_suspended))

    async def resume(self, what: Suspended) -> None:
        """Lift a suspension; one that is not there is fine."""
        self._suspended.pop(what, None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""
