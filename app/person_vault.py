"""The person's own login at Vault (role ``person``): one for each session, reused while it lives, ended with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar
from weakref import WeakValueDictionary

from pydantic import SecretStr

from app.sessions import Session
from app.texts import t
from fastmcp_vault import tracing
from fastmcp_vault.credentials.logins import RegisteredLogins
from fastmcp_vault.errors import AccessSuspended, PersonUnknown, SessionEnded, StateUnavailable, VaultDenied
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.oidc.tokens import Claims, unverified_claims
from fastmcp_vault.state import Principal, State
from fastmcp_vault.state.protocol import Suspended, principals_of
from fastmcp_vault.vault import Entity, Lease, Vault, VaultToken

ROLE, HOLDER = "person", "mcp-demo-app"
PART = "own"
"""The part of a trace that is about the person's own login."""

MARGIN = 10.0
"""A login with less life left than this (seconds) is not used any more."""

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
    """What is held for one session: its login, whom Vault takes the person for, and the last database user they made.

    ``claims``: of the session's token when it was made.

    ``revoked``: nothing opens with the login any more.
    """

    claims: Claims
    login: VaultToken
    entity: Entity
    since: float
    user: OwnUser | None = None
    revoked: bool = False

    def user_lives(self, now: float) -> bool:
        """Whether the database user can still be used."""
        user = self.user
        return user is not None and not self.revoked and user.accessor == self.login.accessor and user.until > now


class PersonVault:
    """Logins of people, by their sessions, for one event loop. ``clock`` gives seconds since the epoch.

    Each is registered in the shared state, so that it is ended even if this process is killed.
    """

    def __init__(
        self, *, keycloak: Keycloak, vault: Vault, state: State, clock: Callable[[], float] = time.time
    ) -> None:
        self._keycloak, self._vault, self._state, self._clock = keycloak, vault, state, clock
        self._logins = RegisteredLogins(server=HOLDER, holder=HOLDER, vault=vault, state=state)
        self._held: dict[str, PersonLogin] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        state.on_ended(self.end)
        state.on_suspended(self._suspended)

    async def use(self, session: Session, work: Callable[[PersonLogin], Awaitable[T]], *, part: str = PART) -> T:
        """``work`` with the session's login; once more with a new one if Vault does not know the first any more.

        ``part``: of the trace, to which the login belongs.

        Raises SessionEnded, ExchangeRefused, VaultLoginRefused, PersonUnknown, KeycloakUnavailable, VaultUnavailable,
        and what ``work`` raises.
        """
        held = await self._login(session, part)
        try:
            return await work(held)
        except VaultDenied:
            if await self._alive(held):
                raise
            held.revoked = True
            return await work(await self._login(session, part))

    async def make_user(self, held: PersonLogin) -> None:
        """A new database user. Raises CredentialMissing when the person may have none, VaultUnavailable."""
        with tracing.step("own-secret", server=PART) as opened:
            made = await self._vault.database_creds(held.login.token, held.entity.name)
            opened.protect(made.password.get_secret_value())
            held.user = self._user(held, made.username, made.password, made.lease)
            opened.valid(until=held.user.until)
            opened.say(t("step.own-user", user=made.username))

    async def renew(self, held: PersonLogin) -> None:
        """Begin the time of the login and of its database user anew, within their longest."""
        with tracing.step("own-secret", server=PART) as opened:
            held.login = replace(held.login, lease=await self._logins.renew(held.login, held.claims))
            user = held.user
            if user is not None and held.user_lives(self._clock()):
                lease = await self._vault.renew_lease(held.login.token, user.lease)
                held.user = self._user(held, user.username, user.password, lease)
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

    async def end(self, sid: str) -> None:
        """The session is over: so is what was held for it."""
        held = self._held.pop(sid, None)
        if held is not None:
            await self._logins.revoke(held.login)

    async def _suspended(self, what: Suspended) -> None:
        """A person is, or this app is: what was held for them ends."""
        if isinstance(what, Principal):
            theirs = [sid for sid, held in self._held.items() if what in principals_of(held.claims)]
            await asyncio.gather(*(self.end(sid) for sid in theirs))

    async def close(self) -> None:
        """End everything that is held."""
        await asyncio.gather(*(self.end(sid) for sid in list(self._held)))

    async def _login(self, session: Session, part: str) -> PersonLogin:
        async with self._locks.setdefault(session.sid, asyncio.Lock()):
            known = self._held.get(session.sid)
            if known is not None and not known.revoked and self._left(known) > MARGIN:
                _note_reuse(known, part)
                return known
            self._forget_others()
            held = await self._log_in(session, part)
            held.user = known.user if known is not None else None
            self._held[session.sid] = held
        try:
            self._state.check(session.claims, server=HOLDER)
        except (SessionEnded, AccessSuspended):
            # Signed out or suspended meanwhile: the end came before there was anything to end.
            await self.end(session.sid)
            raise
        return held

    async def _log_in(self, session: Session, part: str) -> PersonLogin:
        with tracing.step("person-exchange", server=part) as opened:
            traded = await self._keycloak.exchange(session.tokens.access_token, audience="vault", scope="vault:login")
            opened.valid(until=traded.expires_at)
            opened.detail(claims=unverified_claims(traded.access_token))
            opened.say(t("step.exchanged", audience="vault"))
        with tracing.step("person-login", server=part) as opened:
            login = await self._vault.login_jwt(role=ROLE, jwt=traded.access_token)
            opened.protect(login.token.get_secret_value())
            opened.valid(until=login.lease.expires_at)
            await self._logins.register(login, session.claims)
            try:
                entity = await self._vault.entity(login.token, login.entity_id)
                require_known(entity)
            except BaseException:
                await asyncio.shield(self._logins.revoke(login))
                raise
            opened.detail(policies=list(login.policies), entity=entity.name, entity_id=entity.id)
            opened.say(t("step.person-login", username=session.username))
        return PersonLogin(session.claims, login, entity, self._clock())

    async def _alive(self, held: PersonLogin) -> bool:
        try:
            await self._logins.alive(held.login)
        except VaultDenied:
            return False
        return True

    def _user(self, held: PersonLogin, username: str, password: SecretStr, lease: Lease) -> OwnUser:
        until = min(lease.expires_at, held.login.lease.expires_at)
        return OwnUser(username, password, lease, held.login.accessor, until)

    def _left(self, held: PersonLogin) -> float:
        return held.login.lease.remaining(self._clock())

    def _forget_others(self) -> None:
        """What Vault has ended by itself needs no place here."""
        for sid in [sid for sid, held in self._held.items() if self._left(held) == 0 and sid not in self._locks]:
            del self._held[sid]


def require_known(entity: Entity) -> None:
    """Raises PersonUnknown for somebody whom init never provisioned."""
    if not entity.provisioned:
        raise PersonUnknown(t("person.unknown"), fix=t("person.unknown.fix"))


def _note_reuse(held: PersonLogin, part: str) -> None:
    recorder = tracing.current()
    if recorder is not None:
        for kind in ("person-exchange", "person-login"):
            recorder.note(kind, server=part).reused(since=held.since, until=held.login.lease.expires_at)
