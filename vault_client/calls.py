"""How a call to Vault is made: hvac in a worker thread, one session, every failure translated, every path checked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import hvac
from pydantic import SecretStr

from common.circuit import Circuit
from common.errors import CredentialMissing, InputError, Problem
from common.workers import Workers
from tracing.wire import TracedSession
from vault_client.failures import LoginWords, translated

TIMEOUT_SECONDS = 5.0
"""How long one call to Vault may take; it answers in milliseconds when it is well."""

T = TypeVar("T")

_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*(?:/[A-Za-z0-9][A-Za-z0-9_.@-]*)*")


class Calls:
    """Vault at one address. Safe to use from several tasks, threads and event loops at once.

    ``circuit`` answers for Vault while it is down. ``clock`` gives seconds since the epoch.
    ``max_response_size`` bounds a response's body, in bytes.
    """

    def __init__(
        self,
        addr: str,
        *,
        namespace: str = "",
        timeout: float = TIMEOUT_SECONDS,
        max_response_size: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._addr = addr.rstrip("/")
        self._namespace = namespace
        self._clock = clock
        self._session = TracedSession(timeout=timeout, max_response_size=max_response_size)
        self._workers = Workers("vault")
        self.circuit = Circuit("vault")
        self._undoing: set[asyncio.Task[None]] = set()

    @property
    def addr(self) -> str:
        """Where this Vault is."""
        return self._addr

    async def close(self) -> None:
        """Close the connections, once what nobody waited for is undone."""
        await asyncio.gather(*self._undoing)
        self._workers.close()
        self._session.close()

    async def _call(
        self,
        doing: str,
        token: SecretStr | None,
        ask: Callable[[hvac.Client], Any],
        read: Callable[[Any], T],
        *,
        login: LoginWords | None = None,
        missing: CredentialMissing | None = None,
    ) -> T:
        """``read(ask(client))`` in a worker thread, with every failure translated."""

        def call() -> T:
            # `token=""`, not None: hvac would look for one in the environment and in ~/.vault-token.
            client = hvac.Client(
                url=self._addr,
                token=token.get_secret_value() if token else "",
                session=self._session,
                namespace=self._namespace or None,
                timeout=None,
                allow_redirects=False,
            )
            # Asked here, not before the wait for a thread: who queues behind a hanging Vault leaves with it.
            with self.circuit.asking(), translated(doing, login=login, missing=missing):
                return read(ask(client))

        return await self._workers.run(call)

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
            task = asyncio.create_task(undone())
            self._undoing.add(task)
            task.add_done_callback(self._undoing.discard)
            raise


def checked(path: str) -> str:
    """``path`` itself, unless it could name another place (dots, escapes, empty segments): then InputError."""
    if not _PATH.fullmatch(path):
        raise InputError(
            "This name cannot be part of a Vault path.",
            fix="Use letters, digits, and `_ . @ -`, each part beginning with a letter or digit.",
        )
    return path
