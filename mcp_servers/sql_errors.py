"""What PostgreSQL refuses, in its own words, with the place in the statement and what to do."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from fastmcp_vault.errors import BackendRefused, BackendUnavailable, Problem
from fastmcp_vault.masking import mask_text
from fastmcp_vault.sentences import Sentence, joined

WORDS = 1_000
"""Characters of PostgreSQL's own words that are passed on."""

QUERY_CANCELED, TRANSACTION_TIMEOUT = "57014", "25P04"

_DENIED = re.compile(r"permission denied for (?:table|view|relation|materialized view) (?P<name>\S+)")

_FIXES = {
    "25006": "`query` only reads. Use `execute` to change data, within your own grants.",
    "08P01": "There are no parameters here: write the values into the statement.",
    QUERY_CANCELED: "Ask for less: a narrower WHERE, a smaller range, or an index; `explain` shows the plan.",
    "55P03": "Another transaction holds the lock; try again in a moment.",
    "42601": "Correct the SQL. Exactly one statement is run.",
    "42P01": "`list_tables` shows the tables that you may see.",
    "42703": "`describe_table` shows the columns.",
    "25001": "The statement cannot run inside a transaction, and here every statement does.",
}
"""SQLSTATE (PostgreSQL, Appendix A) → what to do."""

_CLASSES = {
    "22": "Correct the value.",
    "23": "The data does not satisfy the table's rules; change the values.",
    "40": "It collided with another transaction; try again.",
    "42": "Correct the SQL.",
    "53": "The database has no room for it just now; try again, or ask for less.",
    "54": "The statement goes beyond a limit of PostgreSQL; make it smaller.",
}


class SqlRefused(BackendRefused):
    """PostgreSQL refused a statement; its SQLSTATE is in the sentence."""

    code = "sql_refused"


def ended_transaction() -> SqlRefused:
    """The problem when the caller's statement was itself the end of a transaction."""
    return SqlRefused(
        "The statement ended the transaction that it ran in.",
        fix="Each statement is a transaction of its own here: send it without BEGIN, COMMIT or ROLLBACK.",
    )


def ran_too_long(state: str) -> SqlRefused:
    """The problem when PostgreSQL ended the statement, or its session with it, because its time was over."""
    return SqlRefused(
        Sentence("PostgreSQL stopped the statement: it ran longer than allowed ({state}).", state=state),
        fix=_FIXES[QUERY_CANCELED],
    )


def row_too_large(number: int, limit: int) -> SqlRefused:
    """The problem when one row of the answer is larger than this server reads (``limit`` in bytes)."""
    return SqlRefused(
        Sentence(
            "Row {number:,} of the answer is larger than {megabytes} MB: it was not read, nothing is changed.",
            number=number,
            megabytes=limit // 1_000_000,
        ),
        fix="Ask for part of the long value, such as `left(column, 1000)`; `octet_length(column)` is its size.",
    )


def copy_refused() -> SqlRefused:
    """The problem when the statement wants to stream rows to or from its caller."""
    return SqlRefused(
        "COPY to or from the caller is refused here: a tool's call carries one statement and one answer, no stream.",
        fix="Read with SELECT, write with INSERT.",
    )


async def refused(error: psycopg.Error, connection: psycopg.AsyncConnection, *, offset: int = 0) -> Problem:
    """The problem for ``error``. ``offset``: characters of ours that stand before the caller's statement."""
    state = error.sqlstate
    if state is None or state in (QUERY_CANCELED, TRANSACTION_TIMEOUT) or state.startswith("57P"):
        return _ended(error)
    what = Sentence(
        "PostgreSQL says: {words} ({state}){place}.", words=_words(error), state=state, place=_place(error, offset)
    )
    if state == "25001" and "read-write" in what:
        state = "25006"
    if state == "42501":
        return SqlRefused(what, fix=await _rights(error, connection))
    fix = _FIXES.get(state, _CLASSES.get(state[:2], "Change the statement."))
    hint = f" {mask_text(error.diag.message_hint, limit=WORDS)}" if error.diag.message_hint else ""
    return SqlRefused(what, fix=joined("", (fix, hint)))


def _ended(error: psycopg.Error) -> Problem:
    """The problem when the statement did not come to its end, or could not be sent."""
    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.OperationalError):
            return BackendUnavailable("The connection to PostgreSQL was lost.", fix="Try again.")
        return SqlRefused(
            Sentence("This statement cannot be run here: {words}.", words=_words(error)), fix="Use another statement."
        )
    if state.startswith("57P"):
        return BackendUnavailable(Sentence("PostgreSQL ended the connection ({state}).", state=state), fix="Try again.")
    return ran_too_long(state)


async def _rights(error: psycopg.Error, connection: psycopg.AsyncConnection) -> str:
    """Which rights the role does have on the table that was named."""
    denied = _DENIED.search(error.diag.message_primary or "")
    general = "Your database role was not granted this; an administrator grants it in `init/users.yaml`."
    if denied is None or connection.closed:
        return general
    rows: list[Any] = []
    with suppress(psycopg.Error):
        if connection.info.transaction_status != TransactionStatus.IDLE:
            await connection.execute("ROLLBACK")
        found = await connection.execute(
            "SELECT r FROM unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE']) r, pg_class c"
            " WHERE c.relname = %s AND has_table_privilege(c.oid, r) ORDER BY 1",
            (denied["name"],),
        )
        rows = await found.fetchall()
    if not rows:
        return Sentence("You have no right on {table}. {general}", table=denied["name"], general=general)
    held = sorted({row[0] for row in rows})
    only = "you may only read it" if held == ["SELECT"] else Sentence("you may {rights}", rights=", ".join(held))
    return Sentence(
        "On {table} {only}; this needs another right. An administrator grants it in `init/users.yaml`.",
        table=denied["name"],
        only=only,
    )


def _words(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error).split("\n", 1)[0]
    detail = error.diag.message_detail
    return mask_text(f"{text}; {detail}" if detail else text, limit=WORDS).rstrip(".")


def _place(error: psycopg.Error, offset: int) -> str:
    position = error.diag.statement_position
    if not position or not position.isdigit() or int(position) <= offset:
        return ""
    return Sentence(" at character {position}", position=int(position) - offset)
