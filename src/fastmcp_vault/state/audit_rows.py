"""The audit trail in PostgreSQL: rows that writers only add, in a chain of hashes that anybody who reads can check."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.errors import InputError
from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.trail import AuditEntry

LIMIT = 500
"""Rows that are read at once, the newest."""

PAGE = 1000
"""Rows that a check holds in memory at a time."""

FAULTS = 20
"""Faults that a check names."""

_ROWS = "SELECT seq, body, hash FROM audit_trail WHERE seq > %s ORDER BY seq LIMIT %s"

OLD = (
    "SELECT coalesce((SELECT written_at FROM audit_trail ORDER BY seq LIMIT 1) < extract(epoch FROM now()) - %s, false)"
)
"""Whether there is something to prune; takes seconds, as :func:`prune`."""

_PRUNE = """
WITH cut AS (
    SELECT seq, hash FROM audit_trail WHERE seq < coalesce(
        (SELECT min(seq) FROM audit_trail WHERE written_at >= extract(epoch FROM now()) - %s), 9223372036854775807)
    ORDER BY seq DESC LIMIT 1
), kept AS (
    UPDATE audit_head SET pruned_seq = cut.seq, pruned_hash = cut.hash FROM cut RETURNING cut.seq
)
DELETE FROM audit_trail USING kept WHERE audit_trail.seq <= kept.seq
"""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One action as it was written; ``written_at`` in seconds since the epoch."""

    seq: int
    written_at: float
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChainHead:
    """A row of the chain by number and hash (hexadecimal): written ``NUMBER:HASH``."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def read(cls, text: str) -> ChainHead:
        """The head that ``text`` writes. Raises ValueError."""
        number, _, value = text.strip().partition(":")
        if len(bytes.fromhex(value)) != hashlib.sha256().digest_size:
            raise ValueError(text)
        return cls(int(number), value.lower())


@dataclass(slots=True)
class ChainCheck:
    """What a check of the chain found: ``faults`` in words, the first bad row first; ``gaps``: what was never written.

    ``head`` is the last good row. Whoever keeps it elsewhere can tell later whether the chain was cut or written anew.
    """

    rows: int = 0
    pruned: int = 0
    head: ChainHead = ChainHead(0, "00" * 32)
    faults: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


class AuditRows:
    """Every method raises StateUnavailable, also where the account may not do it."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def append(self, entries: Sequence[AuditEntry]) -> str:
        """Add these, once each; the chain's head. Raises InputError where PostgreSQL cannot hold what they say."""
        with translated("writing the audit trail"):
            async with self._pool.connection() as connection:
                try:
                    done = await connection.execute(
                        "SELECT last_seq, encode(last_hash, 'hex') FROM audit_append(%s)", (Jsonb(list(entries)),)
                    )
                except psycopg.DataError as error:
                    raise InputError("These actions cannot be written to the audit trail.") from error
                row = await done.fetchone()
        assert row is not None
        return str(ChainHead(*row))

    async def find(
        self,
        *,
        iss: str | None = None,
        sub: str | None = None,
        person: str | None = None,
        correlation_id: str | None = None,
        since: float = 0.0,
        limit: int = LIMIT,
    ) -> list[AuditRow]:
        """Actions that fit all that is given, the newest first. ``since``: seconds since the epoch."""
        with translated("reading the audit trail"):
            async with self._pool.connection() as connection:
                found = await connection.execute(
                    "SELECT seq, written_at, body FROM audit_trail WHERE written_at >= %(since)s"
                    " AND (%(iss)s::text IS NULL OR iss = %(iss)s) AND (%(sub)s::text IS NULL OR sub = %(sub)s)"
                    " AND (%(person)s::text IS NULL OR person = %(person)s)"
                    " AND (%(id)s::text IS NULL OR correlation_id = %(id)s) ORDER BY seq DESC LIMIT %(limit)s",
                    {"since": since, "iss": iss, "sub": sub, "person": person, "id": correlation_id, "limit": limit},
                )
                return [AuditRow(seq, at, json.loads(body)) for seq, at, body in await found.fetchall()]

    async def verify(self, *, kept: ChainHead | None = None) -> ChainCheck:
        """Check the whole chain; ``kept``: a head of an earlier check, which must still be in it."""
        with translated("checking the audit trail"):
            async with self._pool.connection() as connection, connection.transaction():
                # One moment's view, although servers go on writing.
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                return await _Checking(kept).run(connection)


class _Checking:
    """One check, row by row."""

    def __init__(self, kept: ChainHead | None) -> None:
        self._kept, self._found = kept, ChainCheck()
        self._numbers: dict[str, int] = {}

    async def run(self, connection: psycopg.AsyncConnection[Any]) -> ChainCheck:
        found = self._found
        asked = await connection.execute("SELECT seq, hash, pruned_seq, pruned_hash FROM audit_head")
        ends = await asked.fetchone()
        if ends is None:
            self._fault("the table audit_head is empty: both ends of the chain are unknown")
            ends = (0, bytes(32), 0, bytes(32))
        found.pruned = ends[2]
        seq, value = ends[2], bytes(ends[3])
        self._meets(seq, value)
        waiting: deque[tuple[int, str, bytes]] = deque()
        while True:
            if not waiting:
                waiting.extend(await (await connection.execute(_ROWS, (seq, PAGE))).fetchall())
            if not waiting:
                break
            row = waiting.popleft()
            self._row(seq, value, *row)
            seq, value = row[0], bytes(row[2])
            self._meets(seq, value)
            found.rows += 1
        if (seq, value) != (ends[0], bytes(ends[1])):
            self._fault(f"the chain ends with row {seq}, and audit_head says {ends[0]}: its end was cut off or changed")
        if self._kept is not None and not ends[2] <= self._kept.seq <= seq:
            where = "after the chain's end" if self._kept.seq > seq else "in what was pruned"
            self._fault(f"the head that was kept, row {self._kept.seq}, lies {where}")
        return found

    def _row(self, before: int, hash_before: bytes, seq: int, body: str, value: bytes) -> None:
        if seq != before + 1:
            self._fault(f"row {before + 1} is missing" + (f", up to row {seq - 1}" if seq > before + 2 else ""))
        elif hashlib.sha256(hash_before + body.encode()).digest() != bytes(value):
            self._fault(f"row {seq} is not what was written: its hash does not fit its content and the row before")
        elif json.loads(body).get("seq") != seq:
            self._fault(f"row {seq} was written as another row")
        elif not self._found.faults:
            self._found.head = ChainHead(seq, bytes(value).hex())
        self._number(seq, json.loads(body))

    def _number(self, seq: int, said: Mapping[str, Any]) -> None:
        """A process numbers what it writes: a number that is missing between two rows was lost by it."""
        process, number = str(said.get("process")), int(said.get("number") or 0)
        last = self._numbers.get(process, 0 if not self._found.pruned else number - 1)
        if number > last + 1 and len(self._found.gaps) < FAULTS:
            self._found.gaps.append(f"{number - last - 1} actions of {said.get('writer')} before row {seq}")
        self._numbers[process] = max(number, last)

    def _meets(self, seq: int, value: bytes) -> None:
        if self._kept is not None and self._kept.seq == seq and self._kept.hash != value.hex():
            self._fault(f"row {seq} is another than the head that was kept: the chain was written anew")

    def _fault(self, what: str) -> None:
        if len(self._found.faults) < FAULTS:
            self._found.faults.append(what)


def prune(owner: psycopg.Connection[Any], keep: float) -> int:
    """Delete what is older than ``keep`` seconds, from the chain's beginning on; as the tables' owner.

    Where the rest begins is kept, so that it can still be checked. Returns how many rows went.
    """
    with owner.transaction():
        owner.execute("SELECT FROM audit_head FOR UPDATE")
        return owner.execute(_PRUNE, (keep,)).rowcount
