"""The caller's statement: exactly one, by the extended query protocol, with a bounded answer.

PostgreSQL, "Frontend/Backend Protocol", Extended Query: a Parse message holds one statement, so that
`SELECT 1; DROP TABLE …` is a syntax error and not two statements. Rows arrive in chunks (libpq,
PQsetChunkedRowsMode), so that what is beyond the limit is never held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import send

from fastmcp_vault.errors import InputError
from fastmcp_vault.tracing import spans
from fastmcp_vault.tracing.recorder import open_step
from mcp_servers.bounded_reads import BoundedReads, RowTooLarge
from mcp_servers.sql_errors import copy_refused, row_too_large
from mcp_servers.values import cut, jsonable

CHUNK = 1
"""Rows that libpq holds at a time: one may be large. Fifty would read 500 small rows 0.8 ms sooner."""

ANSWER_LIMIT = 1_000_000
"""Bytes of values, as PostgreSQL sends them, after which an answer is cut."""

VALUE_LIMIT = 1_000_000
"""Bytes of one value, as PostgreSQL sends it, beyond which it is cut before anything is made of it."""

ROW_LIMIT = 8_000_000
"""Bytes of one row beyond which it is not read: libpq would hold all of it before a value could be cut."""

CANCEL_SECONDS = 1.0

SHOWN = 2_000
"""Characters of a statement that the trace shows."""

_COPY = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)


@dataclass(slots=True)
class StatementOutcome:
    """What a statement answered: its rows up to the limit, and its command tag."""

    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    truncated: bool = False
    command: str = ""
    affected: int | None = None


async def run(connection: psycopg.AsyncConnection, statement: str, *, limit: int, finish: bool) -> StatementOutcome:
    """Send ``statement`` and read at most ``limit`` rows of its answer.

    With ``finish`` it runs to its end and rows beyond the limit are thrown away (a change must be whole);
    without, it is cancelled once there is enough. Raises psycopg.Error, InputError, SqlRefused.
    """
    return await spans.of_statement(connection, statement, partial(_run, connection, statement, limit, finish))


async def _run(connection: psycopg.AsyncConnection, statement: str, limit: int, finish: bool) -> StatementOutcome:
    outcome = StatementOutcome()
    async with connection.lock:
        try:
            with BoundedReads(connection.pgconn, ROW_LIMIT) as reads:
                await connection.wait(_sending(connection.pgconn, _encoded(statement)))
                await _receive(connection, reads, _Reader(connection, outcome, limit), finish=finish)
        except RowTooLarge:
            await connection.close()
            raise row_too_large(len(outcome.rows) + 1, ROW_LIMIT) from None
    opened = open_step()
    if opened is not None:
        opened.detail(statement=statement[:SHOWN], rows=len(outcome.rows), command=outcome.command)
    return outcome


async def _receive(connection: psycopg.AsyncConnection, reads: BoundedReads, reader: _Reader, *, finish: bool) -> None:
    """Read results until there is enough. Raises RowTooLarge, psycopg.Error, SqlRefused."""
    while (result := await connection.wait(reads.fetch())) is not None:
        if result.status in _COPY:
            await connection.close()
            raise copy_refused()
        if result.status == pq.ExecStatus.FATAL_ERROR:
            with suppress(psycopg.OperationalError):
                await _drain(connection, reads)
            raise error_from_result(result)
        reader.read(result)
        if reader.outcome.truncated and not finish:
            # Cancel what is still running; the answer read so far is good.
            await connection.cancel_safe(timeout=CANCEL_SECONDS)
            await _drain(connection, reads)
            return


async def _drain(connection: psycopg.AsyncConnection, reads: BoundedReads) -> None:
    while await connection.wait(reads.fetch()) is not None:
        pass


class _Reader:
    """Turns results into rows, until there is enough."""

    def __init__(self, connection: psycopg.AsyncConnection, outcome: StatementOutcome, limit: int) -> None:
        self.outcome, self._limit, self._left = outcome, limit, ANSWER_LIMIT
        self._connection = connection
        self._transformer = Transformer(connection)

    def read(self, result: pq.abc.PGresult) -> None:
        outcome = self.outcome
        if result.command_status:
            # On the last result that holds anything, be it rows or not.
            outcome.command = result.command_status.decode("utf-8", "replace")
            outcome.affected = result.command_tuples
        if not result.nfields:
            return
        if not outcome.columns:
            outcome.columns = list(_distinct((result.fname(i) or b"").decode() for i in range(result.nfields)))
            outcome.types = [self._type(result.ftype(i)) for i in range(result.nfields)]
        self._transformer.set_pgresult(result)
        for number in range(result.ntuples):
            lengths = [len(result.get_value(number, i) or b"") for i in range(result.nfields)]
            if sum(lengths) > ROW_LIMIT:
                raise RowTooLarge
            self._left -= sum(lengths)
            if len(outcome.rows) == self._limit or (self._left <= 0 and outcome.rows):
                outcome.truncated = True
                return
            outcome.rows.append(dict(zip(outcome.columns, self._values(result, number, lengths), strict=True)))

    def _values(self, result: pq.abc.PGresult, number: int, lengths: list[int]) -> Iterator[Any]:
        if max(lengths) <= VALUE_LIMIT:
            return map(jsonable, self._transformer.load_row(number, tuple) or ())
        return (self._value(result, number, i) for i in range(len(lengths)))

    def _value(self, result: pq.abc.PGresult, number: int, column: int) -> Any:
        value = result.get_value(number, column)
        if value is None:
            return None
        if len(value) > VALUE_LIMIT:
            return cut(value)
        return jsonable(self._transformer.get_loader(result.ftype(column), pq.Format.TEXT).load(value))

    def _type(self, oid: int) -> str:
        known = self._connection.adapters.types.get(oid)
        if known is None:
            return f"type {oid}"
        return f"{known.name}[]" if known.array_oid == oid else known.name


def _sending(pgconn: pq.abc.PGconn, statement: bytes) -> PQGen[None]:
    pgconn.send_query_params(statement, None)
    pgconn.set_chunked_rows_mode(CHUNK)
    yield from send(pgconn)


def _encoded(statement: str) -> bytes:
    if "\0" in statement:
        raise InputError("The SQL holds a NUL character, which PostgreSQL cannot read.", fix="Remove it.")
    try:
        return statement.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("The SQL holds half a character.", fix="Remove it.") from error


def _distinct(names: Iterable[str]) -> Iterable[str]:
    """Column names that can be keys: the second ``id`` becomes ``id_2``."""
    seen: dict[str, int] = {}
    taken: set[str] = set()
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        candidate = name if seen[name] == 1 else f"{name}_{seen[name]}"
        while candidate in taken:
            candidate += "_"
        taken.add(candidate)
        yield candidate
