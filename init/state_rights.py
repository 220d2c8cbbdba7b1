"""What each service may do in the shared state: an account of its own, with the least that it needs.

The owner of the tables is init's alone. Everybody listens, and so reads what ends sessions and agents' tokens, and who
is suspended; who else writes where is in ``RIGHTS``. Where several services share a table, the rows that one sees and
writes are its own: ``server`` is the name of its account. A yes to a question is given by the app's account and by no
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from common.servers import MCP_SERVERS
from init.ledger import Ledger, Part

PART: Final[Part] = "postgresql"

APP = "mcp-demo-app"
SERVERS = tuple(f"mcp-{server}" for server in MCP_SERVERS)

Rights = Mapping[str, tuple[LiteralString, ...]]
"""Table → what may be done with it; ``UPDATE (column, …)`` where not every column may be changed."""

_READ: tuple[LiteralString, ...] = ("SELECT",)
_ALL: tuple[LiteralString, ...] = ("SELECT", "INSERT", "UPDATE", "DELETE")
_NEWS: Rights = dict.fromkeys(
    ("ended_sessions", "suspensions", "suspended_principals", "quota_overrides", "revoked_tokens"), _READ
)
_OWN_TOKENS: tuple[LiteralString, ...] = ("SELECT", "INSERT", "UPDATE (expires_at)", "DELETE")
_ANSWER: LiteralString = "UPDATE (status, decided_at, given_acr, facts)"

RIGHTS: Mapping[str, Rights] = {
    APP: {
        **_NEWS,
        **dict.fromkeys(("app_sessions", "pending_logins", "shared_traces", "drafts"), _ALL),
        **dict.fromkeys(("workshop_progress", "workshop_board"), _ALL),
        # It ends sessions, and its page People stops servers, people and clients.
        **dict.fromkeys(("ended_sessions", "suspensions", "suspended_principals"), _ALL),
        # It revokes what killed servers left behind.
        "vault_tokens": _OWN_TOKENS,
        "approvals": ("SELECT", _ANSWER, "DELETE"),
        "account_requests": ("SELECT", "DELETE"),
        # It shows who did what.
        **dict.fromkeys(("audit_trail", "audit_head"), _READ),
    },
    **{
        server: {
            **_NEWS,
            "vault_tokens": _OWN_TOKENS,
            "approvals": ("SELECT", "INSERT", _ANSWER, "DELETE"),
            "account_requests": ("SELECT", "INSERT", "DELETE"),
            **dict.fromkeys(("turns", "quota_windows", "quota_slots"), _ALL),
        }
        for server in SERVERS
    },
    "token-api": _NEWS,
    "auth-relay": _NEWS,
    "agents": {
        **_NEWS,
        "revoked_tokens": ("SELECT", "INSERT", "DELETE"),
        "agent_commands": ("SELECT", "INSERT", "UPDATE (status, result, finished_at)", "DELETE"),
    },
}
"""Account → what it may do. Everything else is refused by PostgreSQL."""

FUNCTIONS: Mapping[LiteralString, tuple[str, ...]] = {"audit_append(jsonb)": (*SERVERS, APP), "audit_prune()": (APP,)}
"""Which accounts may call what runs with its owner's rights. The audit trail is written so, and in no other way: no
account changes or deletes a row, and no server reads one. The app adds what administrators did, and prunes what is old.
"""

_MINE: LiteralString = "server = current_user"
_NO_YES: LiteralString = "status IN ('used', 'refused')"

POLICIES: tuple[tuple[LiteralString, LiteralString, tuple[str, ...], LiteralString, LiteralString], ...] = (
    ("vault_tokens", "every one, its own to note", (APP,), "ALL", f"USING (true) WITH CHECK ({_MINE})"),
    ("vault_tokens", "its own", SERVERS, "ALL", f"USING ({_MINE}) WITH CHECK ({_MINE})"),
    ("approvals", "to answer", (APP,), "ALL", "USING (true) WITH CHECK (status IN ('approved', 'refused'))"),
    ("approvals", "its own to see", SERVERS, "SELECT", f"USING ({_MINE})"),
    ("approvals", "its own to ask", SERVERS, "INSERT", f"WITH CHECK ({_MINE} AND status = 'pending')"),
    ("approvals", "its own to use", SERVERS, "UPDATE", f"USING ({_MINE}) WITH CHECK ({_MINE} AND {_NO_YES})"),
    ("approvals", "its own to forget", SERVERS, "DELETE", f"USING ({_MINE})"),
    ("account_requests", "every one to use", (APP,), "ALL", "USING (true) WITH CHECK (false)"),
    ("account_requests", "its own to ask", SERVERS, "ALL", f"USING ({_MINE}) WITH CHECK ({_MINE})"),
    ("turns", "its own", SERVERS, "ALL", f"USING ({_MINE}) WITH CHECK ({_MINE})"),
    ("quota_windows", "its own", SERVERS, "ALL", f"USING ({_MINE}) WITH CHECK ({_MINE})"),
    ("quota_slots", "its own", SERVERS, "ALL", f"USING ({_MINE}) WITH CHECK ({_MINE})"),
)
"""Row-level security: table, name, accounts, command, rule. The owner is bound by none."""

_FOUND = """
SELECT md5(string_agg(entry, ',' ORDER BY entry)) FROM (
    SELECT format('%%s %%s %%s', relname, relrowsecurity, relacl) FROM pg_class
    WHERE relnamespace = %(schema)s::regnamespace
    UNION ALL
    SELECT format('%%s.%%s %%s', attrelid::regclass, attname, attacl) FROM pg_attribute JOIN pg_class ON oid = attrelid
    WHERE relnamespace = %(schema)s::regnamespace AND attacl IS NOT NULL
    UNION ALL
    SELECT format('%%s %%s %%s %%s %%s %%s', tablename, policyname, roles, cmd, qual, with_check) FROM pg_policies
    WHERE schemaname = %(name)s
    UNION ALL
    SELECT format('%%s %%s %%s %%s', proname, prosecdef, proconfig, proacl) FROM pg_proc
    WHERE pronamespace = %(schema)s::regnamespace
    UNION ALL
    SELECT format('%%s', nspacl) FROM pg_namespace WHERE nspname = %(name)s
) AS everything(entry)
"""
"""A digest of all rights and rules in the schema, whoever gave them."""

_RETIRED = """
SELECT rolname FROM pg_roles
WHERE rolname LIKE 'mcp-%%' AND has_schema_privilege(rolname, to_regnamespace(%s)::oid, 'USAGE')
AND rolname <> ALL (%s) ORDER BY rolname
"""

_MARK = "SELECT obj_description(oid, 'pg_class') FROM pg_class WHERE relnamespace = %s::regnamespace AND relname = %s"


def provision(owner: psycopg.Connection[Any], schema: str, ledger: Ledger) -> None:
    """Give every account what ``RIGHTS`` and ``POLICIES`` say, and take what it has beside; as the tables' owner.

    What was given is remembered, so that a later run sees a change by anybody else.
    """
    statements = list(_statements(schema))
    wanted = sha256("\n".join(statement.as_string(owner) for statement in statements).encode()).hexdigest()
    row = owner.execute(_MARK, [_quoted(schema), "approvals"]).fetchone()

    def apply() -> None:
        with owner.transaction():
            for statement in statements:
                owner.execute(statement)
            mark = sql.SQL("COMMENT ON TABLE {}.approvals IS {}")
            owner.execute(mark.format(sql.Identifier(schema), sql.Literal(f"rights {wanted} {_found(owner, schema)}")))

    ledger.settle(
        PART,
        "rights",
        schema,
        exists=bool(row and row[0]),
        equal=row == (f"rights {wanted} {_found(owner, schema)}",),
        act=apply,
    )


def remove_retired(admin: psycopg.Connection[Any], schema: str, ledger: Ledger) -> None:
    """Accounts of MCP servers whose entry is gone, known by their rights in ``schema``; as administrator, there."""
    for (name,) in admin.execute(_RETIRED, [_quoted(schema), list(RIGHTS)]).fetchall():
        ledger.removed(PART, "role", name, partial(_drop, admin, sql.Identifier(name)))


def _drop(admin: psycopg.Connection[Any], role: sql.Identifier) -> None:
    admin.execute(sql.SQL("DROP OWNED BY {}").format(role))
    admin.execute(sql.SQL("DROP ROLE {}").format(role))


def _found(owner: psycopg.Connection[Any], schema: str) -> str:
    found = owner.execute(_FOUND, {"schema": _quoted(schema), "name": schema}).fetchone()
    return str(found[0]) if found else ""


def _quoted(schema: str) -> str:
    return '"' + schema.replace('"', '""') + '"'


def _statements(schema: str) -> Iterable[sql.Composed]:
    where = sql.Identifier(schema)
    for account, rights in RIGHTS.items():
        names = {"schema": where, "account": sql.Identifier(account)}
        # With the whole table's rights go those of single columns.
        yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {account}").format(**names)
        yield sql.SQL("GRANT USAGE ON SCHEMA {schema} TO {account}").format(**names)
        for table, allowed in rights.items():
            grant = sql.SQL("GRANT {} ON {schema}.{table} TO {account}")
            yield grant.format(sql.SQL(", ").join(map(sql.SQL, allowed)), table=sql.Identifier(table), **names)
        yield sql.SQL("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM {account}").format(**names)
    for function, accounts in FUNCTIONS.items():
        callers = sql.SQL(", ").join(map(sql.Identifier, accounts))
        yield sql.SQL("GRANT EXECUTE ON FUNCTION {}.{} TO {}").format(where, sql.SQL(function), callers)
    for table in dict.fromkeys(table for table, *_ in POLICIES):
        yield sql.SQL("ALTER TABLE {}.{} ENABLE ROW LEVEL SECURITY").format(where, sql.Identifier(table))
    for table, name, accounts, command, rule in POLICIES:
        of = {"name": sql.Identifier(name), "table": sql.SQL(".").join([where, sql.Identifier(table)])}
        yield sql.SQL("DROP POLICY IF EXISTS {name} ON {table}").format(**of)
        yield sql.SQL("CREATE POLICY {name} ON {table} FOR {command} TO {to} {rule}").format(
            command=sql.SQL(command),
            to=sql.SQL(", ").join(map(sql.Identifier, accounts)),
            rule=sql.SQL(rule),
            **of,
        )
