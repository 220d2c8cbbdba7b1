"""What one person may take of the tools' database, and what nobody may call there."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from init.ledger import Ledger

PART: Final = "postgresql"

ROLE = "shop_limits"
"""Owns the functions that count and end sessions: it sees all sessions and may end those of people."""

CONNECTIONS = 12
"""Connections of one person, over all their database users, sessions and replicas of the MCP server."""

RESERVED = 20
"""Connections to the shop that people cannot have: Vault makes and ends their database users through these."""

LONGEST_SECONDS = 30
"""A person's transaction is ended after this time whatever its session has set (``SET statement_timeout = 0``)."""

SHARE_OF_CONNECTIONS = {"shop": 0.4, "state": 0.35}
"""How much of ``max_connections`` each database may use. Keycloak's and the administrators' is what is left."""

LEAST_CONNECTIONS = RESERVED + CONNECTIONS

_TEXT = Path(__file__).with_suffix(".sql")
_LIMITS = {"longest": LONGEST_SECONDS, "connections": CONNECTIONS, "reserved": RESERVED}

# Functions of PostgreSQL that everybody may call by default, by the beginning of their names.
_CLOSED_FUNCTIONS = (
    # Store data without any right to a table, or write to the log of changes (WAL) from a read-only transaction.
    *("lo_%", "loread", "lowrite", "pg_logical_emit_message", "pg_export_snapshot"),
    # Reach other sessions: locks that outlive a transaction or are counted above, and the queue of notifications,
    # which all databases share.
    *("pg_advisory_%", "pg_try_advisory_%", "pg_notify"),
    # Change a setting in the middle of a statement, such as the time that it may take.
    "set_config",
    # Show whose sessions there are, and with what application name (it carries the correlation id).
    *("pg_stat_get_activity", "pg_stat_get_backend_%", "pg_stat_get_progress_info", "pg_lock_status"),
    *("pg_blocking_pids", "pg_safe_snapshot_blocking_pids", "pg_prepared_xact"),
)
_CLOSED_RELATIONS = (
    *("pg_stat_activity", "pg_stat_ssl", "pg_stat_gssapi", "pg_stat_replication", "pg_locks", "pg_prepared_xacts"),
    *("pg_roles", "pg_user", "pg_group", "pg_auth_members", "pg_shdescription", "pg_shdepend", "pg_db_role_setting"),
)

_OPEN_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname LIKE ANY (%s)
AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0)) ORDER BY 1
"""
_OPEN_RELATIONS = """
SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace
AND c.relname = ANY (%s) AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0) ORDER BY 1
"""
_OPEN_LANGUAGES = """
SELECT l.lanname FROM pg_language l WHERE l.lanpltrusted
AND (l.lanacl IS NULL OR EXISTS (SELECT FROM aclexplode(l.lanacl) a WHERE a.grantee = 0)) ORDER BY 1
"""
_MAY_CHANGE_SETTINGS = """
SELECT EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a
WHERE c.oid = 'pg_catalog.pg_settings'::regclass AND a.grantee = 0 AND a.privilege_type = 'UPDATE')
"""
_APPLIED = """
SELECT obj_description(n.oid, 'pg_namespace'),
(SELECT count(*) = 2 FROM pg_event_trigger WHERE evtname IN ('limit_logins', 'limit_ddl') AND evtenabled = 'O')
FROM pg_namespace n WHERE n.nspname = 'limits'
"""


def provision_limits(admin: psycopg.Connection[Any], ledger: Ledger, *, vault: str) -> None:
    """As the superuser, in the tools' database. ``vault``: the role that makes and ends people's database users."""
    _functions(admin, ledger, vault)
    _catalogue(admin, ledger, vault)
    _languages(admin, ledger, vault)
    _limits(admin, ledger)


def _functions(admin: psycopg.Connection[Any], ledger: Ledger, vault: str) -> None:
    found = [name for (name,) in admin.execute(_OPEN_FUNCTIONS, [list(_CLOSED_FUNCTIONS)])]

    def act() -> None:
        admin.execute(f"REVOKE EXECUTE ON FUNCTION {', '.join(found)} FROM PUBLIC".encode())
        admin.execute(
            sql.SQL("GRANT EXECUTE ON FUNCTION pg_stat_get_activity(integer) TO {}").format(sql.Identifier(vault))
        )

    ledger.settle(PART, "rights", "functions closed to everybody", exists=True, equal=not found, act=act)


def _catalogue(admin: psycopg.Connection[Any], ledger: Ledger, vault: str) -> None:
    found = [name for (name,) in admin.execute(_OPEN_RELATIONS, [list(_CLOSED_RELATIONS)])]
    (changes,) = admin.execute(_MAY_CHANGE_SETTINGS).fetchone() or (True,)

    def act() -> None:
        if found:
            admin.execute(f"REVOKE ALL ON {', '.join(found)} FROM PUBLIC".encode())
        admin.execute("REVOKE UPDATE ON pg_settings FROM PUBLIC")
        admin.execute(sql.SQL("GRANT SELECT ON pg_roles, pg_stat_activity TO {}").format(sql.Identifier(vault)))

    equal = not found and not changes
    ledger.settle(PART, "rights", "catalogue closed to everybody", exists=True, equal=equal, act=act)


def _languages(admin: psycopg.Connection[Any], ledger: Ledger, vault: str) -> None:
    """A block or a function in a procedural language could catch the end of its own time and go on."""
    found = [name for (name,) in admin.execute(_OPEN_LANGUAGES)]

    def act() -> None:
        for name in found:
            admin.execute(sql.SQL("REVOKE USAGE ON LANGUAGE {} FROM PUBLIC").format(sql.Identifier(name)))
        admin.execute(sql.SQL("GRANT USAGE ON LANGUAGE plpgsql TO {}").format(sql.Identifier(vault)))

    ledger.settle(PART, "rights", "languages closed to everybody", exists=True, equal=not found, act=act)


def _limits(admin: psycopg.Connection[Any], ledger: Ledger) -> None:
    text = _TEXT.read_text(encoding="utf-8")
    for name, value in _LIMITS.items():
        text = text.replace(f"{{{name}}}", str(value))
    mark = f"init/{_TEXT.name} {sha256(text.encode()).hexdigest()}"
    applied, armed = admin.execute(_APPLIED).fetchone() or (None, False)

    def act() -> None:
        with admin.transaction():
            admin.execute(text.encode())
            admin.execute(sql.SQL("COMMENT ON SCHEMA limits IS {}").format(sql.Literal(mark)))

    ledger.settle(
        PART, "limits", "of one person", exists=applied is not None, equal=applied == mark and bool(armed), act=act
    )


def connection_limits(admin: psycopg.Connection[Any]) -> dict[str, int]:
    """Connections that people's and the services' databases may have, of what this server has in all."""
    row = admin.execute("SELECT current_setting('max_connections')::int").fetchone()
    assert row is not None
    return {name: max(LEAST_CONNECTIONS, int(row[0] * share)) for name, share in SHARE_OF_CONNECTIONS.items()}
