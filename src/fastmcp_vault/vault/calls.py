"""How a call to Vault is made: one HTTP client under hvac, few calls at once, every failure translated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from fastmcp_vault.background import Background
from fastmcp_vault.circuit import Circuit
from fastmcp_vault.errors import CredentialMissing, Problem
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.tracing.wire import TracedTransport
from fastmcp_vault.vault.adapter import AsyncAdapter, VaultRequest
from fastmcp_vault.vault.failures import LoginWords, translated

TIMEOUT_SECONDS = 5.0
"""How long one call to Vault may take; it answers in milliseconds when it is well."""

AT_ONCE = 16
"""Calls under way at the same time; the others wait for their turn."""

T = TypeVar("T")


class Calls:
    """Vault at one address, for any number of tasks of one event loop.

    ``circuit`` answers for Vault while it is down. ``clock`` gives seconds since the epoch.
    ``max_response_size`` bounds a response's body, in bytes; a ``transport`` that is given bounds it itself.
    """

    def __init__(
        self,
        addr: str,
        *,
        namespace: str = "",
        timeout: float = TIMEOUT_SECONDS,
        max_response_size: int | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._addr = addr.rstrip("/")
        self._place = urlsplit(self._addr).netloc
        self._clock = clock
        below = transport or async_transport(connections=AT_ONCE, max_response_size=max_response_size)
        self._http = async_client(timeout=timeout, transport=TracedTransport(below))
        self._hvac = AsyncAdapter(self._http, self._addr, namespace=namespace)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.circuit = Circuit("vault")
        self._undoing = Background()

    @property
    def addr(self) -> str:
        """Where this Vault is."""
        return self._addr

    async def close(self) -> None:
        """Close the connections, once what nobody waited for is undone."""
        await self._undoing.close()
        await self._http.aclose()

    def _as(self, token: SecretStr | None) -> AsyncAdapter:
        """hvac's adapter that sends this token: what an API class of hvac's is made with."""
        return self._hvac.as_token(token)

    async def _call(
        self,
        doing: str,
        request: VaultRequest,
        read: Callable[[Any], T],
        *,
        login: LoginWords | None = None,
        missing: CredentialMissing | None = None,
    ) -> T:
        """``read`` of the JSON that Vault answers to ``request`` (None: nothing), with every failure translated.

        ``doing`` completes "…, while". ``login``, ``missing``: see :func:`failures.translated`.
        """
        async with self._turns:
            # Asked here, not before the wait for a turn: who queues behind a hanging Vault leaves with it.
            with self.circuit.asking(), translated(doing, at=self._place, login=login, missing=missing):
                return read(await request)

    async def _or_undone(self, work: Coroutine[Any, Any, T], undo: Callable[[T], Coroutine[Any, Any, None]]) -> T:
        """What ``work`` comes to. A caller who is cancelled does not get it, and then ``undo`` is done with it.

        Vault goes on with a request that nobody waits for any more: what it made would be nobody's, and live.
        """
        making = asyncio.ensure_future(work)

        async def undone() -> None:
            with suppress(Problem):
                await undo(await making)

        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            self._undoing.start(undone())
            raise
