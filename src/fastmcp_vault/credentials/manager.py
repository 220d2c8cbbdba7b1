"""Which credential: the caller's own, fetched once for all who wait, kept as long as everything it rests on holds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Generic

from fastmcp_vault import correlation, metrics
from fastmcp_vault.credentials.caller import CallerKey
from fastmcp_vault.credentials.caller_cache import CallerCache
from fastmcp_vault.credentials.calls import Call
from fastmcp_vault.credentials.grant import STALE_SECONDS, Grant, HeldCredential, renewal_due, renewed
from fastmcp_vault.credentials.logins import Logins
from fastmcp_vault.credentials.notes import (
    note_credential_kept,
    note_failure,
    note_login_kept,
    note_read,
    noting_what_is_missing,
)
from fastmcp_vault.credentials.sources import C, Source
from fastmcp_vault.errors import (
    CredentialMissing,
    Problem,
    SessionEnded,
    VaultDenied,
    VaultUnavailable,
)
from fastmcp_vault.state.protocol import SharedState
from fastmcp_vault.tracing import recording, step
from fastmcp_vault.tracing.beside import BesideCalls
from fastmcp_vault.vault import Entity, Lease, VaultToken

SWEEP_SECONDS = 5.0
"""How often what has expired is released, and what is near its end renewed."""

CLOSE_SECONDS = 5.0
"""How long a shutdown may spend on revoking what is held."""

AHEAD_AT_ONCE = 8
"""Callers for whom a credential is fetched ahead of their first call at the same time; nobody waits for a turn."""

_log = logging.getLogger(__name__)


class Credentials(Generic[C]):
    """The credentials that one server holds, at most ``capacity`` of them, each for one person's one session.

    Reused while all of it holds: the caller's token, the Vault token, the lease, and (asked every STALE_SECONDS)
    the version in Vault; with Vault down, until it expires. Otherwise only what is missing is done again.
    Use as ``async with``; one event loop. ``clock``: seconds since the epoch; ``pause`` waits for some seconds.
    """

    def __init__(
        self,
        *,
        server: str,
        logins: Logins,
        source: Source[C],
        state: SharedState,
        capacity: int,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._server, self._logins, self._source, self._clock, self._pause = server, logins, source, clock, pause
        self._cache: CallerCache[Grant[C]] = CallerCache(
            holder=logins.holder, state=state, capacity=capacity, release=self._release, clock=clock
        )
        self._background = BesideCalls()
        self._ahead: set[CallerKey] = set()

    def __len__(self) -> int:
        return len(self._cache)

    @asynccontextmanager
    async def use(self, call: Call) -> AsyncIterator[HeldCredential[C]]:
        """The caller's credential, kept open inside the block.

        Raises CredentialMissing (its detail holds ``entity`` and ``path``), SessionEnded, ExchangeRefused,
        VaultLoginRefused, VaultDenied, and while a part is down KeycloakUnavailable or VaultUnavailable.
        """
        key, fresh = call.caller.key(self._server), call.spend_fresh()
        kept = None if fresh else self._cache.peek(key)
        if kept is not None and self._clock() - kept.checked_at >= STALE_SECONDS:
            await self._confirm(kept, shown=True)
        async with self._granted(call, key, fresh=fresh) as grant:
            call.accessor = grant.login.accessor
            credential = await self._credential(grant, call)
            call.credential = credential.path
            yield HeldCredential(credential, grant)

    async def again(self, held: HeldCredential[C]) -> C:
        """Another credential in place of one that the back end does not take; one for all who find so.

        Raises what :meth:`use` raises.
        """
        grant, stale = held.grant, held.credential
        async with grant.lock:
            if grant.credential is stale:
                self._put(grant, await self._source.replaced(grant.login, grant.entity.name, stale))
            now = grant.usable(self._clock())
            return now if now is not None else await self._read(grant)

    def doubt(self, held: HeldCredential[C]) -> None:
        """It lacks something that its person is now asked for: the next :meth:`use` asks Vault before it is used."""
        held.grant.checked_at = 0.0

    def replace(self, stale: HeldCredential[C]) -> None:
        """``stale`` turned out not to work any more: the next :meth:`use` begins anew."""
        stale.grant.dead = True

    def fetch_ahead(self, call: Call) -> None:
        """Begin in the background what the first call of this caller will need; ``call`` is the listing of tools.

        Nothing is begun where it is there or under way, or AHEAD_AT_ONCE others are; nor for a client that may see
        traces, whose first call is to show each step. What goes wrong is told by that first call.
        """
        key = call.caller.key(self._server)
        known = key in self._ahead or self._cache.peek(key) is not None
        if not known and not call.caller.may_trace and len(self._ahead) < AHEAD_AT_ONCE:
            self._ahead.add(key)
            self._background.start(self._fetched_ahead(replace(call, ahead=True), key))

    @asynccontextmanager
    async def _granted(self, call: Call, key: CallerKey, *, fresh: bool) -> AsyncIterator[Grant[C]]:
        """The caller's grant: the one that is kept, or a new one, which all who wait for it share."""
        call.logs_in = False
        async with AsyncExitStack() as stack:
            try:
                borrowed = self._cache.borrow(key, partial(self._log_in, call, key), fresh=fresh)
                grant = await stack.enter_async_context(borrowed)
            except Problem as problem:
                if not call.logs_in:
                    note_failure(problem, self._server)
                raise
            grant.caller_until = max(grant.caller_until, call.caller.claims.exp)
            if not call.logs_in:
                note_login_kept(grant, role=self._logins.holder, server=self._server)
            yield grant

    async def _log_in(self, call: Call, key: CallerKey) -> Grant[C]:
        """A new grant: exchange and login, then the entity and the first read at once."""
        call.logs_in = True
        async with self._logins.made(call.caller) as (login, traded):
            grant = await self._begin(login, call)
        grant.traded = traded
        return grant

    async def _begin(self, login: VaultToken, call: Call) -> Grant[C]:
        """The grant of a login: whom Vault takes the caller for, and what was read, or why nothing was."""
        asking = asyncio.create_task(self._logins.entity(login, call.caller))
        await asyncio.sleep(0)  # Its step begins before that of the read.
        credential, problem = None, None
        try:
            with step("credential", server=self._server) as opened:
                with noting_what_is_missing(opened):
                    credential = await self._first_read(login, asking)
                note_read(opened, credential, entity=(await asking).name, server=self._server, login=login)
        except Problem as found:
            problem = found
        except BaseException:
            asking.cancel()
            raise
        entity, claims, made_at = await asking, call.caller.claims, self._clock()
        grant = Grant[C](login, entity, claims, made_at, caller_until=claims.exp, ahead=call.ahead)
        grant.problem = None if call.ahead else problem
        if credential is not None:
            self._put(grant, credential)
        return grant

    async def _first_read(self, login: VaultToken, asking: asyncio.Task[Entity]) -> C:
        """The entity's credential. It is read under the login's user name while Vault is being asked for the entity's:
        init gives both the same, and where they differ, Vault's policies let nobody read the wrong one."""
        expected = login.metadata.get("username", "")
        if expected:
            try:
                credential = await self._source.read(login, expected)
            except (CredentialMissing, VaultDenied):
                if (await asking).name == expected:
                    raise
            else:
                if (await asking).name == expected:
                    return credential
                await self._source.end(credential)
        return await self._source.read(login, (await asking).name)

    async def _credential(self, grant: Grant[C], call: Call) -> C:
        """The grant's credential; read, once for all who wait, if it is not there or holds no more."""
        if call.logs_in and (problem := grant.problem) is not None:
            grant.problem = None
            if isinstance(problem, CredentialMissing):
                problem.detail.setdefault("entity_id", grant.entity.id)
            raise problem
        credential = grant.usable(self._clock())
        if credential is None:
            async with grant.lock:
                credential = grant.usable(self._clock())
                if credential is None:
                    return await self._read(grant)
        elif self._clock() - grant.checked_at >= STALE_SECONDS / 2 and not grant.lock.locked():
            # Before the bound and beside the call, so that a busy person's calls never wait for it.
            self._background.start(self._confirm(grant))
        if not call.logs_in:
            note_credential_kept(grant, credential, server=self._server)
        return credential

    async def _read(self, grant: Grant[C]) -> C:
        self._put(grant, None)
        try:
            with step("credential", server=self._server) as opened:
                with noting_what_is_missing(opened):
                    credential = await self._source.read(grant.login, grant.entity.name)
                note_read(opened, credential, entity=grant.entity.name, server=self._server, login=grant.login)
        except CredentialMissing as missing:
            missing.detail.setdefault("entity_id", grant.entity.id)
            raise
        if grant.released:
            await self._source.end(credential)
            raise SessionEnded("The session ended while its credential was being fetched.", fix="Sign in again.")
        self._put(grant, credential)
        return credential

    def _put(self, grant: Grant[C], credential: C | None) -> None:
        """``credential`` in place of what was there, which is closed beside the call."""
        old, grant.credential = grant.credential, credential
        grant.checked_at = credential.read_at if credential else 0.0
        if old is not None:
            self._background.start(self._source.end(old))

    async def _confirm(self, grant: Grant[C], *, shown: bool = False) -> None:
        """Ask Vault about the grant, unless it has just been done. A credential changed or removed is forgotten.

        ``shown``: a call waits for it, so that its trace has the step.
        """
        async with grant.lock:
            credential, asked_at = grant.credential, self._clock()
            if grant.dead or asked_at - grant.checked_at < STALE_SECONDS / 2:
                return
            try:
                if shown:
                    with step("credential-check", server=self._server) as opened:
                        opened.detail(holds=await self._asked(grant, credential))
                else:
                    with recording(None):
                        await self._asked(grant, credential)
            except VaultDenied:
                grant.dead = True
            except CredentialMissing:
                self._put(grant, None)
            except VaultUnavailable as problem:
                _log.warning("What is held is used without having been confirmed: %s", problem)
            grant.checked_at = asked_at

    async def _asked(self, grant: Grant[C], credential: C | None) -> bool:
        """Whether Vault still honours the login, and ``credential`` is the one to use; if not, it is forgotten."""
        if credential is None:
            await self._logins.alive(grant.login)
            return True
        holds = await self._source.holds(grant.login, grant.entity.name, credential)
        if not holds:
            self._put(grant, None)
        return holds

    async def _renew(self, grant: Grant[C]) -> None:
        """Begin the time of what is near its end anew, within its maximum."""
        async with grant.lock:
            login, credential, now = grant.login, grant.credential, self._clock()
            if renewal_due(login.lease, now):
                lease = self._counted(login.lease, await renewed(login.lease, self._logins.renew(login, grant.claims)))
                grant.login = replace(login, lease=lease)
            if credential is not None and credential.lease is not None and renewal_due(credential.lease, now):
                again = await renewed(credential.lease, self._source.renew(grant.login, credential.lease))
                lease = self._counted(credential.lease, again)
                grant.credential = replace(credential, lease=lease)

    def _counted(self, old: Lease, new: Lease) -> Lease:
        outcome = "done" if new.expires_at > old.expires_at else "failed"
        metrics.RENEWALS.add(server=self._server, outcome=outcome)
        return new

    async def _release(self, grant: Grant[C]) -> None:
        """The end of a grant: connections close, the Vault token and every lease under it are revoked."""
        grant.released = True
        credential, grant.credential = grant.credential, None
        try:
            if credential is not None:
                await self._source.end(credential)
        finally:
            await self._logins.revoke(grant.login)

    async def session_ended(self, sid: str) -> None:
        """Let go of what is held for this session."""
        await self._cache.session_ended(sid)

    async def _fetched_ahead(self, call: Call, key: CallerKey) -> None:
        try:
            with suppress(Problem), correlation.carrying(call.correlation_id):
                async with self._granted(call, key, fresh=False) as grant:
                    if grant.credential is not None:
                        await self._source.warm_up(grant.credential)
        finally:
            self._ahead.discard(key)

    async def _housekeep(self) -> None:
        while True:
            await self._pause(SWEEP_SECONDS)
            await self._cache.sweep()
            now = self._clock()
            for grant in self._cache.values():
                if grant.due(now) and not grant.lock.locked():
                    self._background.start(self._renew(grant))
            await self._logins.settle()

    async def __aenter__(self) -> Credentials[C]:
        self._housekeeping = asyncio.create_task(self._housekeep())
        of = {"server": self._server}
        self._unwatched = [
            metrics.CREDENTIALS.watch(lambda: [(len(self), of)]),
            metrics.LEASES.watch(lambda: [(sum(len(grant.leases) > 1 for grant in self._cache.values()), of)]),
            metrics.OWED.watch(lambda: [(self._logins.owed, of)]),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._housekeeping.cancel()
        for leave in self._unwatched:
            leave()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._close(), CLOSE_SECONDS)

    async def _close(self) -> None:
        await self._cache.close()
        await self._background.close()
        # While Vault is being tried out after an outage, all but one of several revocations at once are owed.
        await self._logins.settle()
        await self._logins.close()
