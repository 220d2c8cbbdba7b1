"""Which credential: the caller's own, fetched once for all who wait, kept as long as everything it rests on holds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Generic

from fastmcp_vault.credentials.caller import Caller, CallerKey
from fastmcp_vault.credentials.calls import Call
from fastmcp_vault.credentials.logins import Logins
from fastmcp_vault.credentials.sources import MARGIN_SECONDS, C, Credential, Source
from fastmcp_vault.errors import CredentialMissing, Problem, SessionEnded, VaultDenied, VaultUnavailable, session_ended
from fastmcp_vault.state.protocol import SharedState
from fastmcp_vault.tracing import recording, reused, step
from fastmcp_vault.vault import Cache, Entity, Lease, Renewer, VaultToken

STALE_SECONDS = 5.0
"""Staleness bound: a changed credential, a disabled person or a removed entitlement is noticed by then."""

SWEEP_SECONDS = 5.0
"""How often what has expired is released."""

CLOSE_SECONDS = 5.0
"""How long a shutdown may spend on revoking what is held."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Grant(Generic[C]):
    """What is held for one (issuer, subject, session, server).

    ``asking``: Vault being asked whom it takes the caller for, until the answer is ``known`` (a task keeps all that
    its request held). ``caller_until``: the latest expiry among the access tokens seen, which nothing outlives.
    ``dead``: it works no more. ``credential`` changes only under ``lock``, but for its lease.
    """

    login: VaultToken
    asking: asyncio.Task[Entity] | None
    made_at: float
    caller_until: float
    known: Entity | None = None
    credential: C | None = None
    checked_at: float = 0.0
    dead: bool = False
    released: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def entity(self) -> Entity:
        """Whom Vault takes the caller for; known once a credential is there."""
        assert self.known is not None
        return self.known

    @property
    def expires_at(self) -> float:
        """When it must go: with the Vault token or with the caller's token, whichever ends first; dead, at once."""
        return 0.0 if self.dead else min(self.login.lease.expires_at - MARGIN_SECONDS, self.caller_until)

    def usable(self, now: float) -> C | None:
        """The credential, if it has time left and was confirmed within the bound."""
        credential = self.credential
        if credential is None or not credential.has_time(now) or now - self.checked_at >= STALE_SECONDS:
            return None
        return credential


@dataclass(frozen=True, slots=True)
class HeldCredential(Generic[C]):
    """A credential in use: whose (Vault's entity), and until when (seconds since the epoch) it holds."""

    credential: C
    grant: Grant[C]

    @property
    def entity(self) -> str:
        """Vault's name for the person."""
        return self.grant.entity.name

    @property
    def entity_id(self) -> str:
        """Vault's id of the person."""
        return self.grant.entity.id

    @property
    def until(self) -> float:
        """The end of the lease, or of the Vault token where there is no lease of its own."""
        token_ends = self.grant.login.lease.expires_at
        return min(self.credential.lease.expires_at, token_ends) if self.credential.lease else token_ends


class Credentials(Generic[C]):
    """The credentials that one server holds, at most ``capacity`` of them, each for one person's one session.

    Reused while all of it holds: the caller's token, the Vault token, the lease, and (asked every STALE_SECONDS)
    the version in Vault; with Vault down, until it expires. Otherwise only what is missing is done again.
    Use as ``async with``; one event loop. ``clock``: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        server: str,
        role: str,
        logins: Logins,
        source: Source[C],
        state: SharedState,
        capacity: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._server, self._role = server, role
        self._logins, self._source, self._state, self._clock = logins, source, state, clock
        self._cache: Cache[CallerKey, Grant[C]] = Cache(
            capacity=capacity, expires_at=lambda grant: grant.expires_at, release=self._release, clock=clock
        )
        self._renewer: Renewer[tuple[str, str]] = Renewer(clock=clock)
        state.on_ended(self.session_ended)
        state.on_suspended(self._server_suspended)

    def __len__(self) -> int:
        return len(self._cache)

    @asynccontextmanager
    async def use(self, call: Call) -> AsyncIterator[HeldCredential[C]]:
        """The caller's credential, kept open inside the block.

        Raises CredentialMissing (its detail holds ``entity`` and ``path``), SessionEnded, ExchangeRefused,
        VaultLoginRefused, VaultDenied, and while a part is down KeycloakUnavailable or VaultUnavailable.
        """
        key = call.caller.key(self._server)
        fresh = call.spend_fresh()
        known = self._cache.peek(key)
        if known is not None and not fresh and self._clock() - known.checked_at >= STALE_SECONDS:
            await self._confirm(known)
        async with self._granted(call.caller, key, fresh=fresh) as grant:
            yield HeldCredential(await self._credential(grant), grant)

    def replace(self, stale: HeldCredential[C]) -> None:
        """``stale`` turned out not to work any more: the next :meth:`use` begins anew."""
        stale.grant.dead = True

    @asynccontextmanager
    async def _granted(self, caller: Caller, key: CallerKey, *, fresh: bool) -> AsyncIterator[Grant[C]]:
        made = False

        async def make() -> Grant[C]:
            nonlocal made
            made = True
            login = await self._logins.make(caller)
            try:
                # Signed out meanwhile: the drop came before there was anything to drop.
                self._state.check(sid=key.sid, server=self._role, auth_time=caller.claims.auth_time)
            except Problem:
                self._logins.background(self._logins.revoke(login))
                raise
            asking = asyncio.create_task(self._logins.entity(login, caller))
            # Looked at here, so that an answer nobody waits for any more is not reported as forgotten.
            asking.add_done_callback(lambda task: task.cancelled() or task.exception())
            grant = Grant[C](login, asking, made_at=self._clock(), caller_until=caller.claims.exp)
            self._renewer.keep((login.accessor, "token"), login.lease, lambda: self._renew_login(grant, caller))
            return grant

        async with AsyncExitStack() as stack:
            try:
                grant = await stack.enter_async_context(self._cache.borrow(key, make, fresh=fresh))
                if not made:
                    await _entity(grant)
            except Problem as problem:
                if not made:
                    _note_failure(problem, self._server)
                raise
            grant.caller_until = max(grant.caller_until, caller.claims.exp)
            if not made:
                self._note_login_reused(grant)
            yield grant

    async def _credential(self, grant: Grant[C]) -> C:
        """The grant's credential; read, once for all who wait, if it is not there or holds no more."""
        credential = grant.usable(self._clock())
        if credential is not None:
            if self._clock() - grant.checked_at >= STALE_SECONDS / 2 and not grant.lock.locked():
                # Before the bound and beside the call, so that a busy person's calls never wait for it.
                self._logins.background(self._confirm(grant))
        else:
            async with grant.lock:
                credential = grant.usable(self._clock())
                if credential is None:
                    return await self._read(grant)
        self._note_credential_reused(grant, credential)
        return credential

    async def _read(self, grant: Grant[C]) -> C:
        self._put(grant, None)
        with step("credential", server=self._server) as opened:
            credential = await self._fetched(grant)
            opened.say(f"{grant.entity.name}'s own {self._server} credential was read at {credential.path}.")
            opened.detail(**_facts(credential))
            opened.valid(until=HeldCredential(credential, grant).until)
        if grant.released:
            await self._source.end(credential)
            raise SessionEnded("The session ended while its credential was being fetched.", fix="Sign in again.")
        self._put(grant, credential)
        return credential

    async def _fetched(self, grant: Grant[C]) -> C:
        """As :meth:`_fetch`; where there is none, the problem says whom Vault takes the caller for."""
        try:
            return await self._fetch(grant)
        except CredentialMissing as missing:
            missing.detail.setdefault("entity_id", (await _entity(grant)).id)
            raise

    async def _fetch(self, grant: Grant[C]) -> C:
        """The entity's credential. Its path is taken from the login's user name while Vault is being asked for the
        entity's: init gives both the same, and where they differ, Vault's policies let nobody read the wrong one."""
        expected = grant.login.metadata.get("username", "")
        if expected and grant.asking is not None and not grant.asking.done():
            try:
                credential = await self._source.read(grant.login, expected)
            except Problem as problem:
                named_so = (await _entity(grant)).name == expected
                if named_so or not isinstance(problem, (CredentialMissing, VaultDenied)):
                    raise
            else:
                if (await _entity(grant)).name == expected:
                    return credential
                await self._source.end(credential)
        return await self._source.read(grant.login, (await _entity(grant)).name)

    def _put(self, grant: Grant[C], credential: C | None) -> None:
        """``credential`` in place of what was there, which is closed; its lease is renewed from now on."""
        old, grant.credential = grant.credential, credential
        grant.checked_at = credential.read_at if credential else 0.0
        lease_key = (grant.login.accessor, "lease")
        if credential is not None and credential.lease is not None:
            self._renewer.keep(lease_key, credential.lease, lambda: self._renew_lease(grant))
        else:
            self._renewer.forget(lease_key)
        if old is not None:
            self._logins.background(self._source.end(old))

    async def _confirm(self, grant: Grant[C]) -> None:
        """Ask Vault about the grant, unless it has just been done. A credential changed or removed is forgotten."""
        async with grant.lock:
            credential, asked_at = grant.credential, self._clock()
            if grant.dead or asked_at - grant.checked_at < STALE_SECONDS / 2:
                return
            try:
                with recording(None):
                    if credential is None:
                        await self._logins.alive(grant.login)
                    elif not await self._source.holds(grant.login, grant.entity.name, credential):
                        self._put(grant, None)
            except VaultDenied:
                grant.dead = True
            except CredentialMissing:
                self._put(grant, None)
            except VaultUnavailable as problem:
                _log.warning("What is held is used without having been confirmed: %s", problem)
            grant.checked_at = asked_at

    async def _renew_login(self, grant: Grant[C], caller: Caller) -> Lease:
        grant.login = await self._logins.renew(grant.login, caller)
        return grant.login.lease

    async def _renew_lease(self, grant: Grant[C]) -> Lease | None:
        if grant.credential is None:
            return None
        renewed = await self._source.renew(grant.login, grant.credential)
        grant.credential = renewed
        return renewed.lease

    async def _release(self, grant: Grant[C]) -> None:
        """The end of a grant: connections close, the Vault token and every lease under it are revoked."""
        grant.released = True
        for part in ("token", "lease"):
            self._renewer.forget((grant.login.accessor, part))
        credential, grant.credential = grant.credential, None
        if credential is not None:
            await self._source.end(credential)
        await self._logins.revoke(grant.login)

    async def session_ended(self, sid: str) -> None:
        """Let go of what is held for this session."""
        await self._cache.drop(lambda key: key.sid == sid, because=session_ended())

    async def _server_suspended(self, server: str) -> None:
        if server == self._role:
            await self._cache.drop(lambda _: True)

    def _note_login_reused(self, grant: Grant[C]) -> None:
        until, entity = grant.login.lease.expires_at, grant.entity
        asked = {"confirmed_at": grant.checked_at, "confirmed_every": STALE_SECONDS} if grant.checked_at else {}
        for kind, sentence, detail in (
            ("token-exchange", "Not needed: the Vault login made with it still holds.", {}),
            ("vault-login", f"The login of {entity.name} through {self._role} still holds.", asked),
            (
                "entity",
                f"Vault took the caller for the entity {entity.name}.",
                {"entity_id": entity.id, "entity": entity.name},
            ),
        ):
            reused(kind, since=grant.made_at, until=until, server=self._server, sentence=sentence, **detail)

    def _note_credential_reused(self, grant: Grant[C], credential: C) -> None:
        sentence = f"{grant.entity.name}'s credential from {credential.path} still holds."
        until = HeldCredential(credential, grant).until
        facts = {**_facts(credential), "confirmed_at": grant.checked_at, "confirmed_every": STALE_SECONDS}
        reused("credential", since=credential.read_at, until=until, server=self._server, sentence=sentence, **facts)

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self._cache.sweep()
            await self._logins.settle()

    async def __aenter__(self) -> Credentials[C]:
        await self._renewer.__aenter__()
        self._sweeping = asyncio.create_task(self._sweep_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sweeping.cancel()
        await self._renewer.__aexit__(None, None, None)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._close(), CLOSE_SECONDS)

    async def _close(self) -> None:
        await self._cache.close()
        await self._logins.close()


async def _entity(grant: Grant[C]) -> Entity:
    """Whom Vault takes the caller for, once it has said so; a login of which it does not say so is of no use."""
    if grant.asking is not None:
        try:
            grant.known = await asyncio.shield(grant.asking)
        except Problem:
            grant.dead = True
            raise
        grant.asking = None
    return grant.entity


def _facts(credential: Credential) -> dict[str, Any]:
    """What a trace shows of a credential: where it lies, and whether it was stored or made on demand."""
    stored = {"version": credential.version, "written_at": credential.written_at}
    made = {"database_user": credential.username, "made_at": credential.read_at}
    return {
        "vault_path": credential.path,
        "masked_credential": credential.masked,
        **(made if credential.lease else stored),
    }


def _note_failure(problem: Problem, server: str) -> None:
    """Show, in the trace of a call that waited for another one's attempt, where that attempt failed."""
    kind = "token-exchange" if problem.part in ("keycloak", "session") else "vault-login"
    with suppress(Problem), step(kind, server=server):
        raise problem
