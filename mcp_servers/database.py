"""The tools' database as one person: the session and the grants settle what may be done, never a look at the SQL."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import LiteralString, TypeVar

import psycopg
from psycopg import pq, sql
from psycopg.adapt import AdaptersMap

from fastmcp_vault.circuit import Circuit
from fastmcp_vault.credentials.calls import Call, current_call
from fastmcp_vault.credentials.grant import HeldCredential
from fastmcp_vault.credentials.pools import Connections, LeaseGone, LeasePool, all_places_taken
from fastmcp_vault.credentials.sources import DatabaseUser
from fastmcp_vault.errors import BackendUnavailable
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.server.context import ServerContext, current_server
from fastmcp_vault.tracing import OpenStep, step
from fastmcp_vault.vault import DatabaseCredential
from mcp_servers.settings import PostgresSettings
from mcp_servers.sql_errors import TRANSACTION_TIMEOUT, ended_transaction, ran_too_long, refused
from mcp_servers.values import adapters

BEGIN_SECONDS = 1.8
"""How long it may take until a transaction has begun; longer means that PostgreSQL is down or full."""

APPLICATION_NAME_LIMIT = 63
"""PostgreSQL cuts ``application_name`` after as many bytes (NAMEDATALEN - 1)."""

OPTIONS = (
    "-c datestyle=ISO -c intervalstyle=iso_8601 -c client_encoding=UTF8"
    " -c search_path=public -c idle_in_transaction_session_timeout=30s -c client_connection_check_interval=1s"
)
"""Settings of every session. They stand above what a person may have set for their role (ALTER ROLE … SET)."""

END_MS = 1_000
"""How much longer than its statement a transaction may last. Then PostgreSQL ends the session: no SQL catches that."""

PAUSE_SECONDS = 0.05
"""Between two attempts to get one of the person's places."""

SWEEP_SECONDS = 2.0
"""How often a server has PostgreSQL end transactions that are overdue, whoever's they are, when it is called."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Gateway:
    """Opens pools of connections, one pool per lease, closed with it. Nothing connects before it is needed."""

    def __init__(self, settings: PostgresSettings) -> None:
        self.settings = settings
        self.circuit = Circuit("backend")
        self._connections = Connections(limit=settings.postgres_connections_all, wait=BEGIN_SECONDS)
        self._adapters: AdaptersMap = adapters()
        self._swept = -SWEEP_SECONDS

    def sweeps(self, now: float) -> bool:
        """Whether overdue transactions should be ended now: once in :data:`SWEEP_SECONDS` (``now``: monotonic)."""
        due = now - self._swept >= SWEEP_SECONDS
        if due:
            self._swept = now
        return due

    @property
    def address(self) -> str:
        """The database, as it may be shown."""
        s = self.settings
        return f"postgresql://{s.postgres_host}:{s.postgres_port}/{s.postgres_database}"

    async def connect(self, user: DatabaseCredential, owner: str) -> LeasePool:
        """A pool of connections as ``user``, one of the database users of the person ``owner``."""
        s = self.settings
        connection = {
            "host": s.postgres_host,
            "port": s.postgres_port,
            "dbname": s.postgres_database,
            "sslmode": s.postgres_sslmode,
            "user": user.username,
            "password": user.password.get_secret_value(),
            "application_name": s.client_id,
            "connect_timeout": 2,
            "autocommit": True,
            "prepare_threshold": None,
            "options": OPTIONS,
            "context": self._adapters,
        }
        return LeasePool(
            connection,
            among=self._connections,
            owner=owner,
            size=s.postgres_connections,
            idle=s.postgres_idle,
            wait=BEGIN_SECONDS,
        )

    async def close(self) -> None:
        """Pools are closed with their leases; nothing else is open."""


Work = Callable[[psycopg.AsyncConnection], Awaitable[T]]
"""What is done inside a transaction."""


@dataclass(frozen=True, slots=True)
class _Transaction:
    """How a transaction begins, whether it is kept, and whether ``work`` may be done again when its connection was
    lost."""

    mode: LiteralString
    keep: bool
    again: bool
    offset: int = 0


class Database:
    """The database as the person who is calling. Each call is one transaction, on a session that is clean before it.

    BackendUnavailable when PostgreSQL does not answer, BackendRefused in its own words for everything it refuses.
    """

    def __init__(self, room: ServerContext, call: Call) -> None:
        self._room, self._call = room, call
        gateway: Gateway = room.backend
        self._gateway = gateway
        self._statement_ms = int(gateway.settings.postgres_statement_timeout * 1000)

    async def read(self, work: Work[T], *, offset: int = 0) -> T:
        """``work`` inside ``BEGIN READ ONLY``, rolled back beside the answer; begun again with a new lease if the old
        one is gone.

        ``offset``: characters of ours that stand before the caller's statement.
        """
        return await self._transact(_Transaction("READ ONLY", keep=False, again=True, offset=offset), work)

    async def write(self, work: Work[T]) -> T:
        """``work`` inside ``BEGIN`` … ``COMMIT``, never done twice: only one that did not begin is tried again."""
        return await self._transact(_Transaction("READ WRITE", keep=True, again=False), work)

    async def _transact(self, transaction: _Transaction, work: Work[T]) -> T:
        for attempt in (1, 2):
            async with self._room.credentials.use(self._call) as held:
                try:
                    return await self._once(held, transaction, work)
                except LeaseGone as gone:
                    if attempt == 2:
                        raise BackendUnavailable(
                            Sentence(
                                "PostgreSQL at {address} refused or ended the connection, twice.",
                                address=self._gateway.address,
                            ),
                            fix="`./demo status` says whether it is up; try again.",
                        ) from gone
                    _log.info("%s's database user is gone: fetching another one", held.entity)
            self._room.credentials.replace(held)
        raise AssertionError("unreachable")

    async def _once(self, held: HeldCredential[DatabaseUser], transaction: _Transaction, work: Work[T]) -> T:
        name = f"{self._gateway.settings.client_id}:{self._call.correlation_id}"[:APPLICATION_NAME_LIMIT]
        with step("backend", server="postgres") as opened:
            opened.detail(address=self._gateway.address, role=held.credential.username, application_name=name)
            async with self._begun(held.credential, transaction.mode, name) as connection:
                try:
                    async with asyncio.timeout(self._gateway.settings.postgres_statement_timeout + BEGIN_SECONDS):
                        result = await work(connection)
                        if connection.info.transaction_status == pq.TransactionStatus.IDLE:
                            raise ended_transaction()
                        if transaction.keep:
                            await connection.execute("COMMIT")
                except TimeoutError as error:
                    raise BackendUnavailable(
                        Sentence("PostgreSQL at {address} stopped answering.", address=self._gateway.address),
                        fix="Try again in a moment.",
                    ) from error
                except psycopg.Error as error:
                    if error.sqlstate == TRANSACTION_TIMEOUT:
                        raise ran_too_long(error.sqlstate) from error
                    if _connection_lost(error, connection):
                        raise LeaseGone if transaction.again else _half_done() from error
                    raise await refused(error, connection, offset=transaction.offset) from error
                _tell(opened, held, transaction)
                return result

    @asynccontextmanager
    async def _begun(
        self, user: DatabaseUser, mode: LiteralString, name: str
    ) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection in a transaction whose mode cannot be changed any more: its first query has been made.

        What is not committed inside the block is rolled back by the pool, beside the answer (psycopg's ``putconn``).
        """
        pool = user.pool
        assert pool is not None
        with self._gateway.circuit.asking():
            connection = await pool.take()
        try:
            await self._begin(connection, mode, name)
            yield connection
        finally:
            await pool.give_back(connection)

    async def _begin(self, connection: psycopg.AsyncConnection, mode: LiteralString, name: str) -> None:
        # One message. The function takes one of the person's places (init/shop_limits.sql), and is the first query:
        # after it, a read-only transaction stays read-only (PostgreSQL, SET TRANSACTION). Settings are set by SET LOCAL
        # because set_config is closed: called in the person's statement, it would lift that statement's own limits.
        places, ms = self._gateway.settings.postgres_connections, self._statement_ms
        begin = (
            f"BEGIN TRANSACTION {mode}; SET LOCAL application_name = {sql.quote(name, connection)};"
            f" SET LOCAL statement_timeout = {ms:d}; SET LOCAL lock_timeout = {ms:d};"
            # 0: its clock starts anew.
            f" SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = {ms + END_MS:d};"
            f" SELECT limits.take_place({places:d}, {self._gateway.sweeps(time.monotonic())})"
        ).encode()
        taken = False
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                while not await _begins(connection, begin):
                    taken = True
                    await connection.execute("ROLLBACK")
                    await asyncio.sleep(PAUSE_SECONDS)
        except TimeoutError as error:
            if taken:
                raise all_places_taken(places) from error
            raise BackendUnavailable(
                Sentence("PostgreSQL at {address} does not answer.", address=self._gateway.address),
                fix="Try again in a moment.",
            ) from error
        except psycopg.Error as error:
            raise LeaseGone from error


async def _begins(connection: psycopg.AsyncConnection, begin: bytes) -> bool:
    """Whether the transaction has begun; otherwise all of the person's places are taken."""
    cursor = await connection.execute(begin)
    await cursor.set_result(-1)
    return await cursor.fetchone() == (True,)


def _tell(opened: OpenStep, held: HeldCredential[DatabaseUser], transaction: _Transaction) -> None:
    how = "and committed it" if transaction.keep else "in a read-only transaction"
    opened.say(f"PostgreSQL ran it as {held.credential.username}, a role of {held.entity}'s own, {how}.")


def _half_done() -> BackendUnavailable:
    """The problem when a connection went while a change was being made."""
    return BackendUnavailable(
        "The connection to PostgreSQL was lost while the change was being made.",
        fix="Look whether the change is there before you try again.",
    )


def _connection_lost(error: psycopg.Error, connection: psycopg.AsyncConnection) -> bool:
    """Whether the connection itself ended (SQLSTATE class 57P: by an administrator), not just the statement."""
    return connection.closed or (error.sqlstate or "").startswith("57P")


def database_as_caller() -> Database:
    """The database as the person who is calling."""
    return Database(current_server(), current_call())
