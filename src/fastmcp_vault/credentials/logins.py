"""Logging in to Vault as the caller, through this server: exchange, login, entity; and ending such a login."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import SecretStr

from fastmcp_vault import metrics
from fastmcp_vault.credentials.caller import Caller
from fastmcp_vault.errors import Problem, StateUnavailable
from fastmcp_vault.oidc import Claims, TokenSet, unverified_claims
from fastmcp_vault.state.protocol import RegisteredToken, SharedState
from fastmcp_vault.tracing import step
from fastmcp_vault.tracing.beside import BesideCalls
from fastmcp_vault.vault import Entity, Lease, Vault, VaultToken

_log = logging.getLogger(__name__)


class TokenExchange(Protocol):
    """How a caller's token becomes one that Vault accepts. :class:`fastmcp_vault.oidc.OidcClient` does it by RFC 8693;
    for an issuer without token exchange, give another object with this method."""

    async def exchange(self, subject_token: SecretStr, *, audience: str, scope: str = "") -> TokenSet:
        """A token for ``audience`` alone. Raises ExchangeRefused, SessionEnded, KeycloakUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultLogin:
    """How this server logs in to Vault as a caller: JWT auth method at ``mount``, its ``role`` there, and the
    ``audience`` and ``scope`` that the exchanged token is asked for with (Vault API: auth/jwt)."""

    role: str
    audience: str = "vault"
    scope: str = ""
    mount: str = "jwt"


class RegisteredLogins:
    """Logins of people that one program, the ``holder``, keeps: renewed, looked up and ended.

    The shared state keeps their accessors, so that the tokens of a killed replica can be ended. ``server``: how the
    program is called in metrics.
    """

    def __init__(self, *, server: str, holder: str, vault: Vault, state: SharedState) -> None:
        self._server, self._holder, self._vault, self._state = server, holder, vault, state

    async def register(self, login: VaultToken, claims: Claims) -> None:
        """Note a login, or its new end; ``claims``: of its person. State that is away is no failure of theirs."""
        noted = RegisteredToken(
            login.accessor,
            self._holder,
            claims.sub,
            claims.sid,
            login.lease.expires_at,
            username=claims.username,
            client=claims.azp,
        )
        with suppress(StateUnavailable):
            await self._state.vault_tokens.register(noted)

    async def renew(self, login: VaultToken, claims: Claims) -> Lease:
        """The login's lease with its time begun anew, within its maximum; ``claims``: of its person."""
        renewed = await self._vault.renew_self(login.token)
        await self.register(renewed, claims)
        return renewed.lease

    async def alive(self, login: VaultToken) -> None:
        """Nothing, if Vault still honours the login. Raises VaultDenied, VaultUnavailable."""
        await self._vault.lookup_self(login.token)

    async def revoke(self, login: VaultToken) -> bool:
        """End the login and every lease under it; False where Vault could not."""
        try:
            await self._vault.revoke_self(login.token)
        except Problem as problem:
            metrics.REVOCATIONS.add(server=self._server, outcome="owed")
            _log.warning("A Vault token could not be revoked yet: %s", problem)
            return False
        metrics.REVOCATIONS.add(server=self._server, outcome="done")
        with suppress(StateUnavailable):
            await self._state.vault_tokens.forget(login.accessor)
        return True


class Logins(RegisteredLogins):
    """Makes and ends Vault logins of callers as ``login`` says.

    A token that could not be revoked is owed, and :meth:`settle` tries again.
    """

    def __init__(
        self,
        *,
        server: str,
        login: VaultLogin,
        exchange: TokenExchange,
        vault: Vault,
        state: SharedState,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(server=server, holder=login.role, vault=vault, state=state)
        self._role, self._login, self._exchange, self._clock = login.role, login, exchange, clock
        self._owed: dict[str, VaultToken] = {}
        self._background = BesideCalls()

    @property
    def owed(self) -> int:
        """Vault tokens that should be revoked and could not be yet."""
        return len(self._owed)

    async def make(self, caller: Caller) -> tuple[VaultToken, Mapping[str, Any]]:
        """Exchange the caller's token, and log in to Vault with what comes; the claims of what came beside the login.

        Raises SessionEnded, ExchangeRefused, VaultLoginRefused, KeycloakUnavailable, VaultUnavailable.
        """
        name = caller.claims.username
        with step("token-exchange", server=self._server) as opened:
            exchanged = await self._exchange.exchange(
                caller.token, audience=self._login.audience, scope=self._login.scope
            )
            opened.say(f"{self._role} traded {name}'s token for one that only Vault accepts.")
            claims = unverified_claims(exchanged.access_token)
            opened.detail(claims=claims)
            opened.valid(until=exchanged.expires_at)
        with step("vault-login", server=self._server) as opened:
            login = await self._vault.login_jwt(role=self._role, jwt=exchanged.access_token, mount=self._login.mount)
            opened.say(f"Vault logged {name} in through {self._role}.")
            opened.detail(role=self._role, policies=list(login.policies), metadata=dict(login.metadata))
            opened.valid(until=login.lease.expires_at)
        return login, claims

    async def entity(self, login: VaultToken, caller: Caller) -> Entity:
        """Whom Vault takes the caller for. Raises VaultDenied, VaultUnavailable."""
        name = caller.claims.username
        with step("entity", server=self._server) as opened:
            entity = await self._vault.entity(login.token, login.entity_id)
            opened.say(f"Vault takes {name} for the entity {entity.name}.")
            opened.detail(entity_id=entity.id, entity=entity.name, user_id=caller.claims.sub, username=name)
        self._background.start(self.register(login, caller.claims))
        return entity

    async def revoke(self, login: VaultToken) -> bool:
        """End the login and every lease under it, now or as soon as Vault answers."""
        ended = await super().revoke(login)
        if ended:
            self._owed.pop(login.accessor, None)
        else:
            self._owed[login.accessor] = login
        return ended

    async def settle(self) -> None:
        """Revoke what is owed; what has expired meanwhile is forgotten."""
        now = self._clock()
        for login in list(self._owed.values()):
            if login.lease.remaining(now) > 0:
                await self.revoke(login)
            else:
                self._owed.pop(login.accessor, None)

    async def close(self) -> None:
        """Wait for what runs in the background."""
        await self._background.close()
