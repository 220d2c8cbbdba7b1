"""Which tables there are, and what they look like, asked of PostgreSQL's catalog as the person who is calling."""

from __future__ import annotations

from typing import LiteralString

import psycopg

from fastmcp_vault.errors import BackendRefused
from fastmcp_vault.sentences import Sentence
from mcp_servers.postgres_models import Column, Table, TableDescription, TableList

_COLUMNS: LiteralString = (
    "n.nspname, c.relname,"
    " CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'"
    " WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table' END,"
    " CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END,"
    " ARRAY(SELECT r FROM unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE']) WITH ORDINALITY AS x(r, i)"
    " WHERE has_table_privilege(c.oid, r) ORDER BY i),"
    " coalesce(obj_description(c.oid, 'pg_class'), ''), c.oid"
)

_TABLES: LiteralString = (
    "SELECT " + _COLUMNS + " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"  # noqa: S608 - all ours
    " WHERE c.relkind IN ('r','v','m','p','f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
    " AND has_schema_privilege(n.oid, 'USAGE')"
    " AND (has_table_privilege(c.oid, 'SELECT,INSERT,UPDATE,DELETE')"
    " OR has_any_column_privilege(c.oid, 'SELECT,INSERT,UPDATE'))"
)

_DESCRIBE: LiteralString = (
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid),"
    " EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)),"
    " (SELECT format('%%s(%%s)', f.confrelid::regclass, fa.attname) FROM pg_constraint f"
    "  JOIN pg_attribute fa ON fa.attrelid = f.confrelid"
    "   AND fa.attnum = f.confkey[array_position(f.conkey, a.attnum)]"
    "  WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND a.attnum = ANY (f.conkey) LIMIT 1),"
    " coalesce(col_description(a.attrelid, a.attnum), '')"
    " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)

_INDEXES: LiteralString = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s ORDER BY 1"


async def tables(connection: psycopg.AsyncConnection) -> TableList:
    """The tables and views that this person has any right on."""
    found = await connection.execute(_TABLES + " ORDER BY n.nspname, c.relname")
    listed = [
        Table(schema_name=schema, name=name, kind=kind, rows_estimate=rows, rights=rights, comment=comment)
        for schema, name, kind, rows, rights, comment, _ in await found.fetchall()
    ]
    return TableList(tables=listed, count=len(listed))


async def describe(connection: psycopg.AsyncConnection, table_name: str) -> TableDescription:
    """One table's columns. ``table_name``: ``name``, or ``schema.name``. Raises BackendRefused if there is none."""
    schema, _, name = table_name.rpartition(".")
    place = "n.nspname = %(schema)s" if schema else "pg_table_is_visible(c.oid)"
    found = await connection.execute(
        _TABLES + " AND c.relname = %(name)s AND " + place, {"schema": schema, "name": name}
    )
    row = await found.fetchone()
    if row is None:
        raise BackendRefused(
            Sentence("There is no table {table_name}, or you have no right on it.", table_name=table_name),
            fix="`list_tables` shows the tables that you may see.",
        )
    columns = await connection.execute(_DESCRIBE, (row[6],))
    indexes = await connection.execute(_INDEXES, (row[6],))
    return TableDescription(
        schema_name=row[0],
        name=row[1],
        kind=row[2],
        rights=row[4],
        comment=row[5],
        columns=[
            Column(
                name=column,
                type=kind,
                nullable=nullable,
                default=default,
                primary_key=primary,
                references=references,
                comment=comment,
            )
            for column, kind, nullable, default, primary, references, comment in await columns.fetchall()
        ],
        indexes=[definition for (definition,) in await indexes.fetchall()],
    )
