"""The signed-in person's logins at Vault: one kept for each session, in the role for people; others for one action."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import SecretStr

from app.sessions import Session
from app.texts import t
from fastmcp_vault import tracing
from fastmcp_vault.credentials.caller import Caller, CallerKey
from fastmcp_vault.credentials.caller_cache import CallerCache
from fastmcp_vault.credentials.logins import Logins, LoginSteps, TokenExchange, VaultLogin
from fastmcp_vault.errors import StateUnavailable, VaultDenied
from fastmcp_vault.oidc.tokens import Claims, TokenSet
from fastmcp_vault.state.protocol import SharedState
from fastmcp_vault.vault import Entity, Lease, Vault, VaultToken
from fastmcp_vault.vault.models import require_known
from fastmcp_vault.vault.shelf import Shelf

ROLE, HOLDER = "person", "mcp-demo-app"
PART = "own"
"""The part of a trace that is about the person's own login."""

STEPS = LoginSteps("person-exchange", "person-login", "person-entity")

MARGIN = 10.0
"""A login with less life left than this (seconds) is not used any more."""

CAPACITY = 10_000
"""Sessions whose login is kept at once."""

SHOWN_SECONDS = 3600.0
"""How long the last database user of a session is shown after its end."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OwnUser:
    """A database user of the person's. ``accessor``: the login that made it, with which it ends.

    ``until`` (seconds since the epoch): the end of its lease or of that login, whichever comes first.
    """

    username: str
    password: SecretStr
    lease: Lease
    accessor: str
    until: float


@dataclass(slots=True, eq=False)
class PersonLogin:
    """What is kept for one session: its login, whom Vault takes the person for, and the last database user they made.

    ``claims``: of the session's token when the login was made, at ``since`` (seconds since the epoch).

    ``revoked``: nothing opens with the login any more.
    """

    key: CallerKey
    claims: Claims
    login: VaultToken
    entity: Entity
    since: float
    user: OwnUser | None = None
    revoked: bool = False

    @property
    def expires_at(self) -> float:
        """From when on it is not used any more (seconds since the epoch); revoked, at once."""
        return 0.0 if self.revoked else self.login.lease.expires_at - MARGIN

    def user_lives(self, now: float) -> bool:
        """Whether the database user can still be used."""
        user = self.user
        return user is not None and not self.revoked and user.accessor == self.login.accessor and user.until > now


class PersonVault:
    """Logins of people, made and ended as an MCP server's are. ``clock`` gives seconds since the epoch. One event loop.

    Each is registered in the shared state, so that it is ended even if this process is killed.
    """

    def __init__(
        self, *, keycloak: TokenExchange, vault: Vault, state: SharedState, clock: Callable[[], float] = time.time
    ) -> None:
        self._keycloak, self._vault, self._state, self._clock = keycloak, vault, state, clock
        self._by_role: dict[str, Logins] = {}
        self._logins = self._logins_in(ROLE)
        self._kept: CallerCache[PersonLogin] = CallerCache(
            holder=HOLDER, state=state, capacity=CAPACITY, release=self._release, clock=clock
        )
        self._users: Shelf[CallerKey, OwnUser] = Shelf(
            capacity=CAPACITY, expires_at=lambda user: user.until + SHOWN_SECONDS
        )
        state.on_ended(self._forget_user)

    async def use(self, session: Session, work: Callable[[PersonLogin], Awaitable[T]], *, part: str = PART) -> T:
        """``work`` with the session's login; once more with a new one if Vault does not know the first any more.

        ``part``: of the trace, to which the login belongs.

        Raises SessionEnded, ExchangeRefused, VaultLoginRefused, PersonUnknown, KeycloakUnavailable, VaultUnavailable,
        and what ``work`` raises.
        """
        caller = session.caller
        async with self._login(caller, part) as held:
            try:
                return await work(held)
            except VaultDenied:
                if await self._alive(held):
                    raise
                held.revoked = True
        async with self._login(caller, part) as held:
            return await work(held)

    def for_one_action(
        self, caller: Caller, role: str, *, exchanged: TokenSet | None = None
    ) -> AbstractAsyncContextManager[tuple[VaultToken, Entity]]:
        """A login in ``role``, which may do that action and nothing else, ended with the block; and the entity.

        ``exchanged``: a token that Vault accepts already. Raises what :meth:`use` raises.
        """
        return self._logins_in(role).for_one_action(caller, exchanged=exchanged, part=PART)

    async def make_user(self, held: PersonLogin) -> None:
        """A new database user. Raises CredentialMissing when the person may have none, VaultUnavailable."""
        with tracing.step("own-secret", server=PART) as opened:
            made = await self._vault.database_creds(held.login.token, held.entity.name)
            opened.protect(made.password.get_secret_value())
            held.user = self._noted(held, made.username, made.password, made.lease)
            opened.valid(until=held.user.until)
            opened.say(t("step.own-user", user=made.username))

    async def renew(self, held: PersonLogin) -> None:
        """Begin the time of the login and of its database user anew, within their longest."""
        with tracing.step("own-secret", server=PART) as opened:
            held.login = replace(held.login, lease=await self._logins.renew(held.login, held.claims))
            user = held.user
            if user is not None and held.user_lives(self._clock()):
                lease = await self._vault.renew_lease(held.login.token, user.lease)
                held.user = self._noted(held, user.username, user.password, lease)
                opened.valid(until=held.user.until)
            opened.say(t("step.own-renewed"))

    async def revoke(self, held: PersonLogin) -> None:
        """End the login, and with it the database user that it made, which is kept to show that it opens nothing."""
        with tracing.step("own-secret", server=PART) as opened:
            await self._vault.revoke_self(held.login.token)
            held.revoked = True
            opened.say(t("step.own-revoked"))
        with suppress(StateUnavailable):
            await self._state.vault_tokens.forget(held.login.accessor)

    async def close(self) -> None:
        """End everything that is kept."""
        await self._kept.close()
        for logins in self._by_role.values():
            await logins.close()

    @asynccontextmanager
    async def _login(self, caller: Caller, part: str) -> AsyncIterator[PersonLogin]:
        """The session's login: the one that is kept, or a new one, which all who wait for it share."""
        made = False

        async def log_in() -> PersonLogin:
            nonlocal made
            made = True
            return await self._log_in(caller, part)

        async with self._kept.borrow(caller.key(HOLDER), log_in) as held:
            if not made:
                _note_reuse(held, part)
            yield held

    async def _log_in(self, caller: Caller, part: str) -> PersonLogin:
        await self._kept.sweep()
        await self._logins.settle()
        key = caller.key(HOLDER)
        async with self._logins.made(caller, part=part) as (login, _):
            entity = await self._logins.entity(login, caller, part=part)
            require_known(entity.name)
        return PersonLogin(key, caller.claims, login, entity, self._clock(), self._users.live(key, self._clock()))

    async def _release(self, held: PersonLogin) -> None:
        await self._logins.revoke(held.login)

    async def _alive(self, held: PersonLogin) -> bool:
        try:
            await self._logins.alive(held.login)
        except VaultDenied:
            return False
        return True

    def _noted(self, held: PersonLogin, username: str, password: SecretStr, lease: Lease) -> OwnUser:
        until = min(lease.expires_at, held.login.lease.expires_at)
        user = OwnUser(username, password, lease, held.login.accessor, until)
        self._users.put(held.key, user)
        return user

    async def _forget_user(self, sid: str) -> None:
        self._users.take(lambda key: key.sid == sid)

    def _logins_in(self, role: str) -> Logins:
        if role not in self._by_role:
            self._by_role[role] = Logins(
                server=HOLDER,
                login=VaultLogin(role=role, scope="vault:login"),
                exchange=self._keycloak,
                vault=self._vault,
                state=self._state,
                holder=HOLDER,
                steps=STEPS,
                clock=self._clock,
            )
        return self._by_role[role]


def _note_reuse(held: PersonLogin, part: str) -> None:
    for kind in (STEPS.exchange, STEPS.login, STEPS.entity):
        tracing.reused(kind, since=held.since, until=held.login.lease.expires_at, server=part)
