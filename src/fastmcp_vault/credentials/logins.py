"""Logging in to Vault as the caller, through this program: exchange, login, entity; and ending such a login."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import SecretStr

from fastmcp_vault import metrics
from fastmcp_vault.credentials.caller import Caller
from fastmcp_vault.errors import Problem, StateUnavailable
from fastmcp_vault.oidc import Claims, TokenSet, unverified_claims
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state.protocol import RegisteredToken, SharedState
from fastmcp_vault.tracing import step
from fastmcp_vault.tracing.beside import BesideCalls
from fastmcp_vault.vault import Entity, Lease, Vault, VaultToken
from fastmcp_vault.vault.models import require_known

_log = logging.getLogger(__name__)


class TokenExchange(Protocol):
    """How a caller's token becomes one that Vault accepts. :class:`fastmcp_vault.oidc.OidcClient` does it by RFC 8693;
    for an issuer without token exchange, give another object with this method."""

    async def exchange(self, subject_token: SecretStr, *, audience: str, scope: str = "") -> TokenSet:
        """A token for ``audience`` alone. Raises ExchangeRefused, SessionEnded, KeycloakUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultLogin:
    """How this program logs in to Vault as a caller: JWT auth method at ``mount``, its ``role`` there, and the
    ``audience`` and ``scope`` that the exchanged token is asked for with (Vault API: auth/jwt)."""

    role: str
    audience: str = "vault"
    scope: str = ""
    mount: str = "jwt"


@dataclass(frozen=True, slots=True)
class LoginSteps:
    """The kinds of step (:mod:`fastmcp_vault.tracing.registry`) that a login is in a trace."""

    exchange: str = "token-exchange"
    login: str = "vault-login"
    entity: str = "entity"


class Logins:
    """Logins at Vault of callers, as ``login`` says: made, renewed, looked up and ended. One event loop.

    The shared state keeps their accessors under ``holder`` (the role unless given), so that those of a killed replica
    can be ended. A token that could not be revoked is owed, and :meth:`settle` tries again. ``server``: the part of
    traces and metrics that they belong to.
    """

    def __init__(
        self,
        *,
        server: str,
        login: VaultLogin,
        exchange: TokenExchange,
        vault: Vault,
        state: SharedState,
        holder: str = "",
        steps: LoginSteps = LoginSteps(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.holder = holder or login.role
        self._server, self._login, self._steps = server, login, steps
        self._exchange, self._vault, self._state, self._clock = exchange, vault, state, clock
        self._owed: dict[str, VaultToken] = {}
        self._background = BesideCalls()

    @property
    def owed(self) -> int:
        """Vault tokens that should be revoked and could not be yet."""
        return len(self._owed)

    @asynccontextmanager
    async def made(self, caller: Caller, *, part: str = "") -> AsyncIterator[tuple[VaultToken, Mapping[str, Any]]]:
        """A login for whoever keeps it when the block is left; with the claims of the token that it was made with.

        Where the block fails, or the caller was signed out or suspended meanwhile, it is revoked in the background.
        ``part``: of the trace, where that is not the server's.

        Raises SessionEnded, AccessSuspended, ExchangeRefused, VaultLoginRefused, KeycloakUnavailable, VaultUnavailable.
        """
        exchanged = await self.exchange(caller, part=part)
        login = await self.log_in(exchanged.access_token, caller, part=part)
        try:
            # Signed out meanwhile: whoever ends what is kept for the session found nothing there yet.
            self._state.check(caller.claims, server=self.holder)
            yield login, unverified_claims(exchanged.access_token)
        except BaseException:
            self._background.start(self.revoke(login))
            raise
        self._background.start(self.register(login, caller.claims))

    @asynccontextmanager
    async def for_one_action(
        self, caller: Caller, *, exchanged: TokenSet | None = None, part: str = ""
    ) -> AsyncIterator[tuple[VaultToken, Entity]]:
        """A login for the block alone, and the caller's entity. ``exchanged``: a token that Vault accepts already.

        Raises PersonUnknown, and what :meth:`made` raises.
        """
        traded = exchanged or await self.exchange(caller, part=part)
        login = await self.log_in(traded.access_token, caller, part=part)
        try:
            entity = await self.entity(login, caller, part=part)
            require_known(entity.name)
            yield login, entity
        finally:
            await asyncio.shield(self.revoke(login))

    async def exchange(self, caller: Caller, *, part: str = "") -> TokenSet:
        """The caller's token, exchanged for one that Vault accepts.

        Raises SessionEnded, ExchangeRefused, KeycloakUnavailable.
        """
        with step(self._steps.exchange, server=part or self._server) as opened:
            exchanged = await self._exchange.exchange(
                caller.token, audience=self._login.audience, scope=self._login.scope
            )
            opened.say(
                Sentence(
                    "{client} traded {username}'s token for one that only Vault accepts.",
                    client=self.holder,
                    username=caller.claims.username,
                )
            )
            opened.detail(claims=unverified_claims(exchanged.access_token))
            opened.valid(until=exchanged.expires_at)
        return exchanged

    async def log_in(self, jwt: SecretStr, caller: Caller, *, part: str = "") -> VaultToken:
        """A login with a token that Vault accepts. Raises VaultLoginRefused, VaultUnavailable."""
        role = self._login.role
        with step(self._steps.login, server=part or self._server) as opened:
            login = await self._vault.login_jwt(role=role, jwt=jwt, mount=self._login.mount)
            opened.protect(login.token.get_secret_value())
            name = caller.claims.username
            opened.say(Sentence("Vault logged {username} in through {client}.", username=name, client=self.holder))
            opened.detail(role=role, policies=list(login.policies), metadata=dict(login.metadata))
            opened.valid(until=login.lease.expires_at)
        return login

    async def entity(self, login: VaultToken, caller: Caller, *, part: str = "") -> Entity:
        """Whom Vault takes the caller for. Raises VaultDenied, VaultUnavailable."""
        name = caller.claims.username
        with step(self._steps.entity, server=part or self._server) as opened:
            entity = await self._vault.entity(login.token, login.entity_id)
            opened.say(Sentence("Vault takes {username} for the entity {entity}.", username=name, entity=entity.name))
            opened.detail(entity_id=entity.id, entity=entity.name, user_id=caller.claims.sub, username=name)
        return entity

    async def register(self, login: VaultToken, claims: Claims) -> None:
        """Note a login, or its new end; ``claims``: of its person. State that is away is no failure of theirs."""
        noted = RegisteredToken(
            login.accessor,
            self.holder,
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
        """End the login and every lease under it; False where Vault could not yet, and it is owed."""
        try:
            await self._vault.revoke_self(login.token)
        except Problem as problem:
            metrics.REVOCATIONS.add(server=self._server, outcome="owed")
            _log.warning("A Vault token could not be revoked yet: %s", problem)
            self._owed[login.accessor] = login
            return False
        metrics.REVOCATIONS.add(server=self._server, outcome="done")
        with suppress(StateUnavailable):
            await self._state.vault_tokens.forget(login.accessor)
        self._owed.pop(login.accessor, None)
        return True

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
