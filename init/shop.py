"""The tools' database `shop`: its tables, its seed data, and what each group of people may do with them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from init.ledger import Ledger

SHOP = "shop"
PART: Final = "postgresql"

_TABLES = Path(__file__).with_name("shop.sql")

_EVERYTHING = ("users", "products", "orders", "order_items", "order_totals")
_RIGHTS: dict[str, dict[str, tuple[str, ...]]] = {
    "shop_read": dict.fromkeys(_EVERYTHING, ("SELECT",)),
    "orders_write": dict.fromkeys(("orders", "order_items"), ("SELECT", "INSERT", "UPDATE", "DELETE")),
    "catalog_write": {"products": ("SELECT", "INSERT", "UPDATE", "DELETE")},
}
"""Group → table → privileges. The rights of a group are these and no more."""

_DEFAULTS = "SELECT r.rolname FROM pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole"

_GRANTED = """
SELECT a.grantee::regrole::text, c.relname, a.privilege_type
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v')
"""


def provision_shop(admin: psycopg.Connection[Any], ledger: Ledger, *, owner: str) -> None:
    """Tables and seed data once, in one transaction as their owner; then the groups' rights."""
    (present,) = admin.execute("SELECT to_regclass('public.order_totals') IS NOT NULL").fetchone() or (False,)

    def create() -> None:
        with admin.transaction():
            admin.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(sql.Identifier(owner)))
            admin.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
            admin.execute(_TABLES.read_bytes())

    ledger.settle(PART, "tables", SHOP, exists=bool(present), equal=True, act=create)
    if present or not ledger.dry_run:
        _default_privileges(admin, ledger)
        _rights(admin, ledger)


def _default_privileges(admin: psycopg.Connection[Any], ledger: Ledger) -> None:
    """A group gives nothing away by default. Where it does, it starts anew; its rights are granted below."""
    found = {name for (name,) in admin.execute(_DEFAULTS)} & _RIGHTS.keys()

    def act() -> None:
        for group in sorted(found):
            admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(group)))
            admin.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(SHOP), sql.Identifier(group))
            )

    ledger.settle(PART, "rights", "default privileges", exists=True, equal=not found, act=act)


def _rights(admin: psycopg.Connection[Any], ledger: Ledger) -> None:
    granted: dict[str, set[tuple[str, str]]] = {}
    for group, table, privilege in admin.execute(_GRANTED):
        granted.setdefault(group, set()).add((table, privilege))
    for group, tables in _RIGHTS.items():
        wanted = {(table, privilege) for table, privileges in tables.items() for privilege in privileges}
        found = granted.get(group, set())

        ledger.settle(
            PART,
            "rights",
            group,
            exists=bool(found),
            equal=found == wanted,
            act=partial(_settle, admin, group, wanted, found),
        )


def _settle(
    admin: psycopg.Connection[Any], group: str, wanted: set[tuple[str, str]], found: set[tuple[str, str]]
) -> None:
    with admin.transaction():
        for verb, rights in (("REVOKE {} ON {} FROM {}", found - wanted), ("GRANT {} ON {} TO {}", wanted - found)):
            for table, privilege in sorted(rights):
                admin.execute(sql.SQL(verb).format(sql.SQL(privilege), sql.Identifier(table), sql.Identifier(group)))
