"""Tokens of suspended people end: whoever holds one does not say who they are, so refusing the person is not enough."""

from __future__ import annotations

import asyncio
import logging

from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import Problem
from fastmcp_vault.state import Principal, State
from fastmcp_vault.state.protocol import Suspended
from services.token_api.tokens import ApiTokens

_log = logging.getLogger(__name__)


class SuspendedOwners:
    """Ends the tokens of whoever of ``issuer`` is suspended, and tries until Vault has done it or they may go on."""

    def __init__(self, state: State, tokens: ApiTokens, *, issuer: str) -> None:
        self._state, self._tokens, self._issuer = state, tokens, issuer
        state.on_suspended(self.end)

    async def end_all(self) -> None:
        """Of everybody who was suspended while nobody listened. Raises StateUnavailable."""
        found = await self._state.principals.all()
        await asyncio.gather(*(self.end(suspension.principal) for suspension in found))

    async def end(self, what: Suspended) -> None:
        """Of this person; anything else that is suspended owns no tokens."""
        if not isinstance(what, Principal) or (what.kind, what.iss) != ("person", self._issuer):
            return
        backoff = Backoff(first=0.2, longest=5.0)
        while self._state.suspended(what):
            try:
                ended = await self._tokens.revoke_all(what.id)
            except Problem as problem:
                _log.warning("Tokens of a suspended person could not be revoked yet: %s", problem)
                await asyncio.sleep(backoff.failed())
            else:
                _log.warning("Revoked %s tokens of %s, who is suspended", ended, what.id)
                return
