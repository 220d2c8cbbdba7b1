"""The listening side: what this process knows of ended sessions and suspensions, and how fresh that is."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, LiteralString

import psycopg
from pydantic import SecretStr

from fastmcp_vault.backoff import Backoff
from fastmcp_vault.state.known import Known
from fastmcp_vault.state.protocol import OnEnded, OnSuspended, Principal, Quota, Suspended

CHANNEL = "mcp_state"

HEARTBEAT_SECONDS = 1.0
"""How often the database is asked for a sign of life when it has nothing to tell."""

GATHER_SECONDS = 0.02
"""How long more is waited for after an announcement: when a crowd signs out, the tables are read once for many."""

ANSWER_SECONDS = 2.0
"""How long a sign of life may take before the connection counts as lost."""

HOLDERS = 1_836_281_696
"""First key of the advisory locks by which replicas show that they live; the second is the replica's number."""

REACTION_SECONDS = 5.0
"""How long :meth:`Listener.stop` waits for reactions under way."""

RELOAD_SECONDS = 300.0
"""How often everything is read anew all the same: what has expired is forgotten."""

REMEMBERED_SECONDS = 12 * 3600.0
"""How long an ended session is kept in memory: longer than Keycloak lets a session live that is not offline (10 h).
A token of an older sign-in belongs to an offline session, and is looked up: see :mod:`fastmcp_vault.state.endings`."""

_ENDED_LATELY: LiteralString = (
    "SELECT sid, extract(epoch FROM ended_at)::float8 FROM ended_sessions"
    " WHERE expires_at > now() AND ended_at > now() - make_interval(secs => %s)"
)

_ENDED: LiteralString = (
    "SELECT sid, extract(epoch FROM ended_at)::float8 FROM ended_sessions WHERE sid = ANY(%s) AND expires_at > now()"
)

_log = logging.getLogger(__name__)


class Listener:
    """Keeps a :class:`Known` current over one connection that LISTENs; reconnects with backoff and jitter.

    After every (re)connection everything is read anew, after LISTEN has begun: nothing said between
    is missed.
    """

    def __init__(
        self,
        dsn: SecretStr,
        known: Known,
        *,
        application_name: str,
        holder: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dsn = dsn
        self._known = known
        self._application_name = application_name
        self._holder = holder
        self._clock = clock
        self._on_ended: list[OnEnded] = []
        self._on_suspended: list[OnSuspended] = []
        self._reactions: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()
        self._read_at = float("-inf")

    def on_ended(self, react: OnEnded) -> None:
        """Call ``react`` for each session found ended from now on."""
        self._on_ended.append(react)

    def on_suspended(self, react: OnSuspended) -> None:
        """Call ``react`` for each server, person and client found suspended from now on."""
        self._on_suspended.append(react)

    def start(self) -> None:
        """Begin to listen, in a task of the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Listen no more; reactions under way are awaited, for REACTION_SECONDS at most."""
        while self._task is not None and not self._task.done():
            # Again and again: before Python 3.12 a wait that ends in the same moment swallows a cancellation.
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=0.1)
        if self._reactions:
            _, hanging = await asyncio.wait(self._reactions, timeout=REACTION_SECONDS)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)

    async def wait_until_heard(self, seconds: float) -> bool:
        """True once the state has been read; False when that takes longer than ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        return self._heard.is_set()

    def end(self, sid: str, at: float) -> None:
        """This session ended ``at`` (seconds since the epoch): known from now on, and told once."""
        self._tell(self._known.end({sid: at}), [])

    def revoke(self, jti: str) -> None:
        """This agent's token is revoked: known from now on."""
        self._known.revoke(jti)

    async def _run(self) -> None:
        backoff = Backoff(first=0.1, longest=2.0)
        while True:
            try:
                await self._listen(backoff)
            except Exception as error:
                # Whatever it was: a listener that is gone would leave this process refusing for ever.
                wait = backoff.failed()
                _log.warning("Lost the shared state, trying again in %.1f s: %s", wait, type(error).__name__)
                await asyncio.sleep(wait)

    async def _listen(self, backoff: Backoff) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            connection = await psycopg.AsyncConnection.connect(
                self._dsn.get_secret_value(), autocommit=True, application_name=self._application_name
            )
        async with connection:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._begin(connection)
            backoff.succeeded()
            while True:
                # All of them before the first is acted on: the generator holds the connection's lock.
                notices = [n async for n in connection.notifies(timeout=HEARTBEAT_SECONDS, stop_after=1)]
                if notices:
                    notices += [n async for n in connection.notifies(timeout=GATHER_SECONDS)]
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._hear(connection, notices)

    async def _begin(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}")
        # Gone with the connection, and so with the process: the others see that what it held has lost its holder.
        # Shared, so that a connection which has not ended yet keeps nobody waiting.
        await connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (HOLDERS, self._holder))
        await self._reload(connection)

    async def _reload(self, connection: psycopg.AsyncConnection) -> None:
        asked_at = self._clock()
        ended = await connection.execute(_ENDED_LATELY, (REMEMBERED_SECONDS,))
        ends = {row[0]: row[1] async for row in ended}
        revoked = await connection.execute("SELECT jti FROM revoked_tokens WHERE expires_at > now()")
        revoked_tokens = [row[0] async for row in revoked]
        suspensions, people = await _suspensions(connection)
        self._known.replace_quotas(await _quotas(connection))
        newly_ended, newly_suspended = self._known.replace(
            ended=ends, revoked=revoked_tokens, suspensions=suspensions, people=people
        )
        self._known.heard(asked_at)
        self._read_at = asked_at
        self._tell(newly_ended, newly_suspended)
        self._heard.set()

    async def _hear(self, connection: psycopg.AsyncConnection, notices: list[psycopg.Notify]) -> None:
        """Read what was announced, act on it, then ask for a sign of life.

        Whoever may connect may announce anything: what counts is what stands in the tables.
        """
        changes = [_announced(notice) for notice in notices]
        if sids := [str(change["ended"]) for change in changes if "ended" in change and not self._is_known(change)]:
            found = await connection.execute(_ENDED, (sids,))
            for sid, at in await found.fetchall():
                self.end(sid, at)
        if tokens := [str(change["revoked"]) for change in changes if "revoked" in change]:
            found = await connection.execute("SELECT jti FROM revoked_tokens WHERE jti = ANY(%s)", (tokens,))
            for (jti,) in await found.fetchall():
                self.revoke(jti)
        if any("suspensions" in change for change in changes):
            self._tell([], self._known.replace_suspensions(*await _suspensions(connection)))
            self._known.replace_quotas(await _quotas(connection))
        asked_at = self._clock()
        await connection.execute("SELECT")
        self._known.heard(asked_at)
        if asked_at - self._read_at > RELOAD_SECONDS:
            await self._reload(connection)

    def _is_known(self, change: Mapping[str, Any]) -> bool:
        """Whether this ending stands in memory already: who ends a session hears of it as well."""
        at = change.get("at")
        return isinstance(at, float | int) and self._known.ended(str(change["ended"]), at)

    def _tell(self, ended: list[str], suspended: list[Suspended]) -> None:
        for sid in ended:
            for react in self._on_ended:
                self._react(react(sid))
        for what in suspended:
            for reaction in self._on_suspended:
                self._react(reaction(what))

    def _react(self, reaction: Awaitable[None]) -> None:
        """Run a reaction beside the listening: a slow Vault must not make the state look stale."""
        task = asyncio.ensure_future(reaction)
        self._reactions.add(task)
        task.add_done_callback(self._reacted)

    def _reacted(self, task: asyncio.Future[None]) -> None:
        self._reactions.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("A reaction to the shared state failed: %s", error)


def _announced(notice: psycopg.Notify) -> dict[str, Any]:
    """What a notice says changed; nothing where it is not one of ours."""
    try:
        change = json.loads(notice.payload)
    except ValueError:
        return {}
    return change if isinstance(change, dict) else {}


async def _suspensions(connection: psycopg.AsyncConnection) -> tuple[dict[Suspended, str], dict[str, Principal]]:
    """Everything that is suspended, and why; the people among it by their user names."""
    servers = await connection.execute("SELECT server, reason FROM suspensions ORDER BY server")
    found: dict[Suspended, str] = dict(await servers.fetchall())
    people: dict[str, Principal] = {}
    rows = await connection.execute("SELECT kind, iss, id, reason, name FROM suspended_principals ORDER BY kind, id")
    for *principal, reason, name in await rows.fetchall():
        named = Principal(*principal)
        found[named] = reason
        if named.kind == "person" and name:
            people[name] = named
    return found, people


async def _quotas(connection: psycopg.AsyncConnection) -> dict[Principal, Quota]:
    rows = await connection.execute("SELECT kind, iss, id, per_minute, at_once FROM quota_overrides")
    return {Principal(*row[:3]): Quota(*row[3:]) for row in await rows.fetchall()}
