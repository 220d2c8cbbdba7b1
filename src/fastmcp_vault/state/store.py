"""The shared state as a process uses it: open it, ask it, tell it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from pydantic import SecretStr

from fastmcp_vault import metrics
from fastmcp_vault.errors import StateUnavailable, session_ended
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state.account_requests import AccountRequests
from fastmcp_vault.state.approvals import Approvals, count_expired
from fastmcp_vault.state.audit_rows import AuditRows
from fastmcp_vault.state.drafts import Drafts
from fastmcp_vault.state.endings import KEPT_SECONDS, Endings
from fastmcp_vault.state.failures import translated, unavailable
from fastmcp_vault.state.known import Known
from fastmcp_vault.state.listener import Listener
from fastmcp_vault.state.pending import FinishedLogins
from fastmcp_vault.state.pool import answers, state_pool
from fastmcp_vault.state.principals import SuspendedPrincipals
from fastmcp_vault.state.protocol import (
    OnEnded,
    OnSuspended,
    Principal,
    Quota,
    Suspended,
    TokenBearer,
    access_suspended,
    principals_of,
    server_suspended,
)
from fastmcp_vault.state.quotas import Quotas
from fastmcp_vault.state.sealing import SealedBox
from fastmcp_vault.state.sessions import SessionStore
from fastmcp_vault.state.shared_traces import SharedTraces
from fastmcp_vault.state.turns import Turns
from fastmcp_vault.state.vault_tokens import VaultTokens
from fastmcp_vault.state.workshop import Workshop

PRUNE_SECONDS = 300.0

AGE_MOST = 86_400.0
"""Seconds told of a state that has given no sign of life, lately or ever: a metric must be finite."""

OPEN_SECONDS = 5.0
"""How long :meth:`State.open` waits for the first answer."""

EXPIRING = (
    "ended_sessions",
    "app_sessions",
    "pending_logins",
    "vault_tokens",
    "revoked_tokens",
    "shared_traces",
    "workshop_progress",
    "approvals",
    "drafts",
    "turns",
    "account_requests",
    "quota_windows",
    "quota_slots",
)
"""Tables whose rows have an ``expires_at``."""

_MAY_DELETE = "SELECT name FROM unnest(%s::text[]) AS name WHERE has_table_privilege(name, 'DELETE')"

_MAY_PRUNE = "SELECT has_function_privilege('audit_prune()', 'EXECUTE')"

_SESSIONS = "SELECT FROM app_sessions LIMIT 1"
"""What a process that keeps people's sessions must be able to ask."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Suspension:
    """An MCP server that is stopped for everybody; ``since`` in seconds since the epoch."""

    server: str
    reason: str
    since: float


class State:
    """The shared state, for one event loop. ``session_keys`` (Fernet keys) only where sessions are kept.

    ``open`` returns once the state has been read; when the database cannot be reached it returns
    after some seconds all the same, and :meth:`check` refuses until it can. ``clock`` gives seconds,
    from any start, and does not jump.
    """

    def __init__(
        self,
        dsn: SecretStr,
        *,
        session_keys: Sequence[SecretStr] = (),
        application_name: str = "mcp-remote-vault",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._known = Known()
        holder = 1 + secrets.randbelow(2**31 - 1)
        self._listener = Listener(
            dsn, self._known, application_name=f"{application_name} listener", holder=holder, clock=clock
        )
        self._pool = state_pool(dsn, application_name=application_name)
        self._pruning: asyncio.Task[None] | None = None
        self._endings = Endings(self._pool, clock=clock)
        box = SealedBox(session_keys) if session_keys else None
        self._sessions = SessionStore(self._pool, box) if box else None
        self._shared_traces = SharedTraces(self._pool, box) if box else None
        self._drafts = Drafts(self._pool, box) if box else None
        self.vault_tokens = VaultTokens(self._pool, holder=holder)
        self.finished_logins = FinishedLogins(self._pool)
        self.workshop = Workshop(self._pool)
        self.approvals = Approvals(self._pool)
        self.account_requests = AccountRequests(self._pool)
        self.audit_rows = AuditRows(self._pool)
        self.principals = SuspendedPrincipals(self._pool, self.audit_rows)
        self.quotas = Quotas(self._pool, self.audit_rows, holder=holder)
        self._turns = Turns(self._pool)
        self._unwatched: Callable[[], None] = _nothing

    @property
    def sessions(self) -> SessionStore:
        """The app's sessions; only where ``session_keys`` were given."""
        if self._sessions is None:
            raise RuntimeError("This process was given no session keys")
        return self._sessions

    @property
    def shared_traces(self) -> SharedTraces:
        """Traces shared with the room; only where ``session_keys`` were given."""
        if self._shared_traces is None:
            raise RuntimeError("This process was given no session keys")
        return self._shared_traces

    @property
    def drafts(self) -> Drafts:
        """What people had typed when their session ended; only where ``session_keys`` were given."""
        if self._drafts is None:
            raise RuntimeError("This process was given no session keys")
        return self._drafts

    async def open(self) -> None:
        """Connect, read, and listen from now on."""
        await self._pool.open()
        self._listener.start()
        self._unwatched = metrics.STATE_AGE.watch(lambda: [(min(self._known.age(self._clock()), AGE_MOST), {})])
        self._pruning = asyncio.create_task(self._prune_for_ever())
        await self._listener.wait_until_heard(OPEN_SECONDS)

    async def close(self) -> None:
        """Stop listening; reactions under way are awaited."""
        self._unwatched()
        if self._pruning is not None:
            self._pruning.cancel()
            await asyncio.gather(self._pruning, return_exceptions=True)
        await self._listener.stop()
        await self._pool.close()

    def fresh(self, now: float | None = None) -> bool:
        """Whether the database gave a sign of life in the last 5 s (``now`` on this state's clock)."""
        return self._known.fresh(self._clock() if now is None else now)

    async def serves(self) -> bool:
        """Whether a request that needs the state would be served now: it is fresh, and answers where requests ask it.

        Takes 2 s at most, and never raises: for health checks.
        """
        return self.fresh() and await answers(self._pool, _SESSIONS if self._sessions else "SELECT")

    def ended(self, sid: str, auth_time: float = 0.0) -> bool:
        """Whether this Keycloak session has ended since the sign-in at ``auth_time`` (seconds since the epoch).

        As far as this process knows (see :meth:`fresh`), which is the last hours: see :meth:`admit`.
        """
        return self._known.ended(sid, auth_time)

    def suspended(self, what: Suspended) -> bool:
        """Whether an administrator has suspended this MCP server, person or client: see :meth:`fresh`."""
        return self._known.suspended(what) is not None

    def suspended_person(self, name: str) -> Principal | None:
        """The suspended person of this user name, if there is one; raises StateUnavailable when that cannot be known.

        For what names a person by their name in Vault, as certificates of their agents do. No I/O.
        """
        if not self.fresh():
            raise unavailable("checking who is suspended")
        return self._known.suspended_person(name)

    async def admit(self, bearer: TokenBearer, *, server: str) -> None:
        """Nothing, if this token may be used at this server.

        As :meth:`check`, and for a sign-in of long ago (an offline token's) the database is asked. Raises as that.
        """
        self.check(bearer, server=server)
        if await self._endings.ended(bearer.sid, bearer.auth_time, now=time.time()):
            raise session_ended()

    def check(self, bearer: TokenBearer, *, server: str) -> None:
        """Nothing, if whoever bears this token may go on at this server, as far as memory reaches.

        The end of a session before its ``auth_time`` does not count. Raises StateUnavailable when that cannot be known,
        PersonSuspended, ClientSuspended, SessionEnded, ServerSuspended. No I/O.
        """
        self.check_principals(*principals_of(bearer))
        if self._known.ended(bearer.sid, bearer.auth_time):
            raise session_ended()
        reason = self._known.suspended(server)
        if reason is not None:
            raise server_suspended(server, reason)

    def quota(self, principal: Principal) -> Quota | None:
        """The quota that an administrator set for a person or a client; None: the servers' own. No I/O."""
        return self._known.quota(principal)

    def check_principals(self, *principals: Principal) -> None:
        """Nothing, if none of these people and clients is suspended.

        Raises StateUnavailable when that cannot be known, PersonSuspended, ClientSuspended. No I/O.
        """
        if not self.fresh():
            raise unavailable("checking who is suspended")
        for principal in principals:
            reason = self._known.suspended(principal)
            if reason is not None:
                raise access_suspended(principal, reason)

    def turn(self, name: str, *, lasts: float) -> AbstractAsyncContextManager[None]:
        """Alone among all replicas inside the block: see :meth:`fastmcp_vault.state.turns.Turns.turn`."""
        return self._turns.turn(name, lasts=lasts)

    def on_ended(self, react: OnEnded) -> None:
        """Await ``react(sid)`` for each session found ended from now on, beside everything else."""
        self._listener.on_ended(react)

    def on_suspended(self, react: OnSuspended) -> None:
        """Await ``react(suspended)`` for each server, person and client found suspended from now on, beside everything
        else."""
        self._listener.on_suspended(react)

    async def end_session(self, sid: str, sub: str, *, keep: float = KEPT_SECONDS) -> None:
        """This Keycloak session is over, everywhere: remembered for ``keep`` seconds, the app's sessions of it dropped.

        Whoever signs in again afterwards is let in, though Keycloak may give that sign-in the same session id.
        This process knows at once, the others as soon as the database tells them.
        """
        with translated("ending the session"):
            async with self._pool.connection() as connection, connection.transaction():
                ended = await connection.execute(
                    "INSERT INTO ended_sessions (sid, sub, ended_at, expires_at)"
                    " VALUES (%s, %s, clock_timestamp(), now() + make_interval(secs => %s))"
                    " ON CONFLICT (sid) DO UPDATE SET ended_at = excluded.ended_at,"
                    " expires_at = greatest(ended_sessions.expires_at, excluded.expires_at)"
                    " RETURNING extract(epoch FROM ended_at)::float8",
                    (sid, sub, keep),
                )
                row = await ended.fetchone()
                await connection.execute("DELETE FROM app_sessions WHERE sid = %s", (sid,))
                await connection.execute("DELETE FROM shared_traces WHERE sid = %s", (sid,))
                await connection.execute("DELETE FROM approvals WHERE sid = %s", (sid,))
        assert row is not None
        self._listener.end(sid, row[0])

    def check_token(self, jti: str) -> bool:
        """Whether an agent's token may still be used: it was not revoked. No I/O.

        Raises StateUnavailable when that cannot be known.
        """
        if not self.fresh():
            raise unavailable("checking whether the token was revoked")
        return not self._known.revoked(jti)

    async def revoke_token(self, jti: str, *, sub: str, expires_at: float) -> None:
        """An agent's token is good no more; remembered until its end (seconds since the epoch).

        This process knows at once, the others as soon as the database tells them.
        """
        with translated("revoking a token"):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO revoked_tokens (jti, sub, expires_at) VALUES (%s, %s, to_timestamp(%s))"
                    " ON CONFLICT (jti) DO NOTHING",
                    (jti, sub, expires_at),
                )
        self._listener.revoke(jti)

    async def suspend(self, server: str, *, reason: str = "", by: str = "") -> None:
        """Stop an MCP server for everybody, at once. ``by``: who does it, for the audit trail."""
        with translated(Sentence("suspending {server}", server=server)):
            async with self._pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO suspensions (server, reason) VALUES (%s, %s)"
                    " ON CONFLICT (server) DO UPDATE SET reason = excluded.reason",
                    (server, reason),
                )
        await self.audit_rows.note("suspended", by=by, reason=reason, server=server)

    async def suspensions(self) -> list[Suspension]:
        """The servers that are suspended now, the newest first."""
        with translated("listing the suspended servers"):
            async with self._pool.connection() as connection:
                rows = await connection.execute(
                    "SELECT server, reason, extract(epoch FROM suspended_at)::float8 FROM suspensions"
                    " ORDER BY suspended_at DESC"
                )
                return [Suspension(*row) for row in await rows.fetchall()]

    async def resume(self, server: str, *, by: str = "") -> None:
        """Lift a suspension; one that is not there is fine."""
        with translated(Sentence("resuming {server}", server=server)):
            async with self._pool.connection() as connection:
                lifted = await connection.execute("DELETE FROM suspensions WHERE server = %s", (server,))
        if lifted.rowcount:
            await self.audit_rows.note("resumed", by=by, server=server)

    async def prune(self) -> int:
        """Delete what has expired, where this account may delete; returns how many rows."""
        gone = 0
        with translated("pruning the shared state"):
            async with self._pool.connection() as connection:
                found = await connection.execute(_MAY_DELETE, [list(EXPIRING)])
                for (table,) in await found.fetchall():
                    if table == "approvals":
                        gone += await count_expired(connection)
                    done = await connection.execute(f"DELETE FROM {table} WHERE expires_at <= now()")  # noqa: S608
                    gone += done.rowcount
                if (await (await connection.execute(_MAY_PRUNE)).fetchone()) == (True,):
                    pruned = await (await connection.execute("SELECT audit_prune()")).fetchone()
                    gone += pruned[0] if pruned else 0
        return gone

    async def _prune_for_ever(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_SECONDS)
            try:
                await self.prune()
            except StateUnavailable as error:
                _log.warning("%s", error)

    async def __aenter__(self) -> State:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _nothing() -> None:
    """For a state that was never opened."""
