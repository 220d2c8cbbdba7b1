"""The audit trail in PostgreSQL: rows that writers only add, in a chain of hashes that anybody who reads can check."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from fastmcp_vault.errors import InputError, StateUnavailable
from fastmcp_vault.printable import printable
from fastmcp_vault.state.failures import translated
from fastmcp_vault.state.protocol import Principal
from fastmcp_vault.state.trail import AuditEntry

LIMIT = 500
"""Rows that are read at once, the newest."""

PAGE = 1000
"""Rows that a check holds in memory at a time."""

FAULTS = 20
"""Faults that a check names."""

TEXT_LIMIT = 300
"""Characters of a text that an administrator typed."""

_ENDS: LiteralString = "SELECT seq, hash, pruned_seq, pruned_hash FROM audit_head"
_ROWS: LiteralString = "SELECT seq, body, hash FROM audit_trail WHERE seq > %s ORDER BY seq LIMIT %s"

_log = logging.getLogger(__name__)


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

    ``head`` is the last good row. Whoever keeps it elsewhere can tell later whether the chain was cut or written anew:
    ``kept`` is how many such heads were compared.
    """

    rows: int = 0
    pruned: int = 0
    kept: int = 0
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

    async def note(self, deed: str, *, by: str, reason: str = "", **facts: str | int) -> None:
        """Add what an administrator did. Where that fails, only the log tells it: what they did is done."""
        said = {"deed": deed, "by": by, "reason": reason, **facts}
        shown = {name: printable(one[:TEXT_LIMIT]) if isinstance(one, str) else one for name, one in said.items()}
        try:
            await self.append([{**shown, "at": round(time.time(), 3), "process": uuid.uuid4().hex, "number": 1}])
        except (InputError, StateUnavailable):
            _log.exception("Missing in the audit trail: %s %s", deed, facts)

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
        """Actions that fit all that is given, the newest first. ``since``: seconds since the epoch.

        ``correlation_id``: an action's, or the id of the trace that it is a part of.
        """
        conditions: dict[LiteralString, object] = {
            "iss = %s": iss,
            "sub = %s": sub,
            "person = %s": person,
            "%s IN (correlation_id, trace_id)": correlation_id,
            "written_at >= %s": since or None,
        }
        given = {condition: value for condition, value in conditions.items() if value is not None}
        where = " AND ".join(given) or "true"
        with translated("reading the audit trail"):
            async with self._pool.connection() as connection:
                found = await connection.execute(
                    f"SELECT seq, written_at, body FROM audit_trail WHERE {where} ORDER BY seq DESC LIMIT %s",  # noqa: S608 - all ours
                    (*given.values(), limit),
                )
                return [AuditRow(seq, at, json.loads(body)) for seq, at, body in await found.fetchall()]

    async def verify(self, kept: Sequence[ChainHead] = ()) -> ChainCheck:
        """Check the whole chain; ``kept``: heads from earlier, which must still be in it where they are not pruned."""
        with translated("checking the audit trail"):
            async with self._pool.connection() as connection, connection.transaction():
                # One moment's view, although servers go on writing.
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                return await _Checking(kept).run(connection)


def whom(principal: Principal, name: str) -> dict[str, str]:
    """Of whom a row is that tells what an administrator did."""
    if principal.kind == "client":
        return {"iss": principal.iss, "client": principal.id}
    return {"iss": principal.iss, "sub": principal.id, "person": name}


class _Checking:
    """One check, row by row."""

    def __init__(self, kept: Sequence[ChainHead]) -> None:
        self._found = ChainCheck()
        self._kept: dict[int, set[str]] = {}
        for head in kept:
            self._kept.setdefault(head.seq, set()).add(head.hash)
        self._numbers: dict[str, int] = {}

    async def run(self, connection: psycopg.AsyncConnection[Any]) -> ChainCheck:
        found = self._found
        ends = await (await connection.execute(_ENDS)).fetchone()
        if ends is None:
            self._fault("the table audit_head is empty: both ends of the chain are unknown")
            ends = (0, bytes(32), 0, bytes(32))
        found.pruned = ends[2]
        seq, value = ends[2], bytes(ends[3])
        self._meets(seq, value)
        while rows := await (await connection.execute(_ROWS, (seq, PAGE))).fetchall():
            for number, body, written in rows:
                self._row(seq, value, number, body, bytes(written))
                seq, value = number, bytes(written)
                self._meets(seq, value)
            found.rows += len(rows)
        if (seq, value) != (ends[0], bytes(ends[1])):
            self._fault(f"the chain ends with row {seq}, and audit_head says {ends[0]}: its end was cut off or changed")
        if beyond := [number for number in self._kept if number > seq]:
            self._fault(f"the chain ends with row {seq}, and a head that was kept is of row {max(beyond)}")
        return found

    def _row(self, before: int, hash_before: bytes, seq: int, body: str, value: bytes) -> None:
        said = json.loads(body)
        if seq != before + 1:
            self._fault(f"row {before + 1} is missing" + (f", up to row {seq - 1}" if seq > before + 2 else ""))
        elif hashlib.sha256(hash_before + body.encode()).digest() != value:
            self._fault(f"row {seq} is not what was written: its hash does not fit its content and the row before")
        elif said.get("seq") != seq:
            self._fault(f"row {seq} was written as another row")
        elif not self._found.faults:
            self._found.head = ChainHead(seq, value.hex())
        self._number(seq, said)

    def _number(self, seq: int, said: Mapping[str, Any]) -> None:
        """A process numbers what it writes: a number that is missing between two rows was lost by it."""
        process, number = str(said.get("process")), int(said.get("number") or 0)
        last = self._numbers.get(process, 0 if not self._found.pruned else number - 1)
        if number > last + 1 and len(self._found.gaps) < FAULTS:
            self._found.gaps.append(f"{number - last - 1} actions of {said.get('writer')} before row {seq}")
        self._numbers[process] = max(number, last)

    def _meets(self, seq: int, value: bytes) -> None:
        heads = self._kept.get(seq, set())
        self._found.kept += len(heads)
        if heads - {value.hex()}:
            self._fault(f"row {seq} is another than the head that was kept: the chain was written anew")

    def _fault(self, what: str) -> None:
        if len(self._found.faults) < FAULTS:
            self._found.faults.append(what)
