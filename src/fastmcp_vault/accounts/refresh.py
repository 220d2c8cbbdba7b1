"""A connection that is good to use: refreshed by one replica at a time, and written before anybody uses it.

A refresh token that rotates is good once (RFC 9700 §4.14.2). So whoever refreshes has the turn among all replicas, and
Vault's check-and-set has the last word; what the provider gave is kept here until Vault has it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from fastmcp_vault.accounts.client import GrantGone, ProviderClient
from fastmcp_vault.accounts.errors import ProviderUnavailable, account_ended
from fastmcp_vault.accounts.grant import AccountGrant
from fastmcp_vault.accounts.store import AccountStore
from fastmcp_vault.errors import Problem, VersionChanged
from fastmcp_vault.state.protocol import SharedState
from fastmcp_vault.tracing import OpenStep, step
from fastmcp_vault.tracing.beside import BesideCalls
from fastmcp_vault.vault import VaultToken

TURN_SECONDS = 10.0
"""How long a refresh may take, before another replica begins: the provider's time and Vault's."""

MARGIN_SECONDS = 5.0
"""An access token this near its end is not used any more: the call it is used for takes time too."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptGrant:
    """A connection and the version of the KV secret that holds it."""

    grant: AccountGrant
    version: int


class Refresher:
    """One provider's connections at one server. ``replica``: this process's name. ``clock``: epoch seconds.

    ``turn``: how long a refresh may take (seconds), before another replica begins.
    """

    def __init__(
        self,
        store: AccountStore,
        client: ProviderClient,
        state: SharedState,
        *,
        server: str,
        replica: str,
        clock: Callable[[], float] = time.time,
        turn: float = TURN_SECONDS,
    ) -> None:
        self._store, self._client, self._state, self._turn = store, client, state, turn
        self._server, self._replica, self._clock = server, replica, clock
        self._unwritten: dict[str, KeptGrant] = {}
        self._background = BesideCalls()

    async def usable(self, login: VaultToken, entity: str, *, refused: int = 0) -> KeptGrant:
        """The person's connection, its access token refreshed where that is due, or where the API ``refused`` it: that
        version of it.

        Raises AccountEnded; CredentialMissing where there is none; ProviderUnavailable where the access token is over
        and cannot be refreshed now; what Vault raises, and StateUnavailable.
        """
        found = KeptGrant(*await self._store.read(login, entity))
        if not self._needs(found, refused):
            return self._lives(found, entity)
        async with self._state.turn(f"{self._client.provider.name}/{entity}", lasts=self._turn):
            found = await self._newest(login, entity)
            if not self._needs(found, refused):
                return self._lives(found, entity)
            return await self._refreshed(login, entity, found, refused=bool(refused))

    async def close(self) -> None:
        """Wait for what runs in the background."""
        await self._background.close()

    def _needs(self, found: KeptGrant, refused: int) -> bool:
        return not found.grant.ended and (found.version == refused or found.grant.due(self._clock()))

    def _lives(self, found: KeptGrant, entity: str) -> KeptGrant:
        if found.grant.ended:
            raise self._ended(entity)
        return found

    async def _newest(self, login: VaultToken, entity: str) -> KeptGrant:
        """The connection now that it is our turn; what an earlier refresh could not write is written first."""
        owed = self._unwritten.get(entity)
        if owed is not None:
            return await self._written(login, entity, owed)
        return KeptGrant(*await self._store.read(login, entity))

    async def _refreshed(self, login: VaultToken, entity: str, found: KeptGrant, *, refused: bool) -> KeptGrant:
        with step("account-refresh", server=self._server) as opened:
            grant, now = found.grant, self._clock()
            if grant.refresh_token is None:
                return await self._over(login, entity, found, "there is no refresh token")
            try:
                tokens = await self._client.refresh(grant.refresh_token)
            except GrantGone as gone:
                return await self._over(login, entity, found, str(gone.detail.get("error") or "refused"))
            except ProviderUnavailable:
                if not refused and grant.alive(now, margin=MARGIN_SECONDS):
                    opened.say("The provider does not answer; the access token is used until it ends.")
                    return found
                raise
            again = KeptGrant(grant.refreshed(tokens, at=now, by=self._replica), found.version)
            _tell(opened, again.grant)
            return await self._written(login, entity, again)

    async def _written(self, login: VaultToken, entity: str, made: KeptGrant) -> KeptGrant:
        """``made`` in Vault, in place of the version that it was made from; where that fails, it is owed.

        Raises what Vault raises.
        """
        self._unwritten[entity] = made
        try:
            version = await self._store.write(login, entity, made.grant, instead_of=made.version)
        except VersionChanged:
            # The person connected anew meanwhile: theirs counts.
            del self._unwritten[entity]
            return self._lives(KeptGrant(*await self._store.read(login, entity)), entity)
        del self._unwritten[entity]
        self._background.start(self._tidied(login, entity, made.grant, version))
        return KeptGrant(made.grant, version)

    async def _over(self, login: VaultToken, entity: str, found: KeptGrant, why: str) -> KeptGrant:
        """The provider honours it no more: kept without its tokens, so that nobody tries them again. Always raises,
        unless the person connected anew meanwhile."""
        _log.warning("%s's connection at %s is over: %s", entity, self._client.provider.name, why)
        return self._lives(await self._written(login, entity, KeptGrant(found.grant.over(why), found.version)), entity)

    async def _tidied(self, login: VaultToken, entity: str, grant: AccountGrant, version: int) -> None:
        try:
            await self._store.tidy(login, entity, grant, version)
        except Problem as problem:
            _log.warning("An older version of a connection could not be destroyed: %s", problem)

    def _ended(self, entity: str) -> Problem:
        provider = self._client.provider
        return account_ended(provider.title, entity=entity, path=self._store.shown(entity), provider=provider.name)


def _tell(opened: OpenStep, grant: AccountGrant) -> None:
    opened.valid(until=grant.expires_at or None)
    opened.detail(account=grant.account.name, refreshed_by=grant.refreshed_by, scopes=list(grant.scopes))
    opened.say(f"{grant.account.name}'s access token was refreshed by {grant.refreshed_by}.")
