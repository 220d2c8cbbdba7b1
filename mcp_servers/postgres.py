"""The PostgreSQL server's tools. None of them knows that Vault exists: `database` is the person's own."""

from __future__ import annotations

from typing import Annotated

from fastmcp.dependencies import Depends
from fastmcp.tools import tool
from pydantic import Field

from fastmcp_vault.credentials.sources import DatabaseSource
from fastmcp_vault.server.tool import reading, writing
from fastmcp_vault.vault import Vault
from mcp_servers import catalog, postgres_offers, statements
from mcp_servers.database import Database, Gateway, database_as_caller
from mcp_servers.kind import Kind, McpServer
from mcp_servers.postgres_models import ExecuteResult, Plan, QueryResult, TableDescription, TableList
from mcp_servers.settings import PostgresSettings

Sql = Annotated[
    str,
    Field(
        description="Exactly one SQL statement.",
        min_length=1,
        max_length=100_000,
        json_schema_extra={"format": "multiline"},
    ),
]

EXPLAIN = "EXPLAIN (ANALYZE FALSE, VERBOSE FALSE) "
"""With its options in parentheses no statement can add `ANALYZE`, which would run it."""


@tool(annotations=reading("List tables"))
async def list_tables(database: Database = Depends(database_as_caller)) -> TableList:
    """List the tables and views that the person who is asking has any right on."""
    return await database.read(catalog.tables)


@tool(annotations=reading("Describe a table"))
async def describe_table(
    table_name: Annotated[
        str, Field(description="The table's name, such as orders or public.orders.", min_length=1, max_length=130)
    ],
    database: Database = Depends(database_as_caller),
) -> TableDescription:
    """Describe a table's columns, keys and indexes, and what the person who is asking may do with it."""
    return await database.read(lambda connection: catalog.describe(connection, table_name))


@tool(annotations=reading("Query"))
async def query(
    sql: Sql,
    limit: Annotated[int, Field(description="How many rows at most.", ge=1, le=500)] = 100,
    database: Database = Depends(database_as_caller),
) -> QueryResult:
    """Run one statement that only reads, as the person who is asking, in a read-only transaction."""
    done = await database.read(lambda connection: statements.run(connection, sql, limit=limit, finish=False))
    return QueryResult(
        columns=done.columns, types=done.types, rows=done.rows, row_count=len(done.rows), truncated=done.truncated
    )


@tool(annotations=writing("Change data", destructive=True))
async def execute(sql: Sql, database: Database = Depends(database_as_caller)) -> ExecuteResult:
    """Run one statement that changes data, as the person who is asking, within their grants, and commit it."""
    done = await database.write(lambda connection: statements.run(connection, sql, limit=500, finish=True))
    return ExecuteResult(
        columns=done.columns,
        types=done.types,
        rows=done.rows,
        row_count=len(done.rows),
        truncated=done.truncated,
        command=done.command,
        rows_affected=done.affected,
    )


@tool(annotations=reading("Explain a statement"))
async def explain(sql: Sql, database: Database = Depends(database_as_caller)) -> Plan:
    """Show how PostgreSQL would run a statement, without running it."""
    done = await database.read(
        lambda connection: statements.run(connection, EXPLAIN + sql, limit=1000, finish=False), offset=len(EXPLAIN)
    )
    return Plan(plan="\n".join(str(next(iter(row.values()))) for row in done.rows))


TOOLS = (list_tables, describe_table, query, execute, explain)


def postgres_kind(settings: PostgresSettings, vault: Vault) -> Kind:
    """PostgreSQL, with a database user that Vault makes."""
    gateway = Gateway(settings)
    return Kind(TOOLS, gateway, DatabaseSource(vault, connect=gateway.connect), postgres_offers.OFFERS)


SERVER = McpServer(PostgresSettings, postgres_kind)
