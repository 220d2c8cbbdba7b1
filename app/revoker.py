"""Ends what others left behind: Vault tokens of killed replicas, of ended sessions, of suspended servers."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from fastmcp_vault.errors import Problem
from fastmcp_vault.state import State
from fastmcp_vault.vault import Vault, VaultSession

SWEEP_SECONDS = 5.0
"""How often the register is looked through; a token that has lost its holder is ended by the second look."""

_log = logging.getLogger(__name__)


class Revoker:
    """Revokes, by accessor, the registered Vault tokens that nobody holds any more.

    Each server revokes what it holds itself, at once; this is for what a server that was killed, or cut off, cannot.
    It may run in several replicas: revoking twice does no harm. Its own Vault token can do nothing else.
    """

    def __init__(self, *, state: State, vault: Vault, session: VaultSession) -> None:
        self._state, self._vault, self._session = state, vault, session
        self._seen: set[str] = set()
        self._sweeping: asyncio.Task[None] | None = None

    async def sweep(self) -> int:
        """Revoke what was left over at the last look already; returns how many.

        Raises StateUnavailable, VaultDenied, VaultUnavailable.
        """
        left = {token.accessor: token for token in await self._state.vault_tokens.left_over()}
        due, self._seen = left.keys() & self._seen, set(left)
        for accessor in due:
            await self._vault.revoke_accessor(self._session.token, accessor)
            await self._state.vault_tokens.forget(accessor)
            token = left[accessor]
            _log.info("Revoked a Vault token that %s left behind (user %s)", token.server, token.sub)
        return len(due)

    async def __aenter__(self) -> Revoker:
        self._sweeping = asyncio.create_task(self._sweep_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeping

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Problem as problem:
                _log.warning("What others left behind could not be revoked yet: %s", problem)
