"""What the PostgreSQL server offers beside its tools: the tables that a person may see, as resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastmcp.dependencies import Depends

from fastmcp_vault.server.offers import Offers, Readable, material
from mcp_servers import catalog
from mcp_servers.database import Database, database_as_caller
from mcp_servers.postgres_models import TableDescription, TableList


async def tables(database: Database = Depends(database_as_caller)) -> TableList:
    """The tables and views that you have any right on."""
    return await database.read(catalog.tables)


async def table_schema(table_name: str, database: Database = Depends(database_as_caller)) -> TableDescription:
    """A table's columns, keys and indexes, and what you may do with it."""
    return await database.read(lambda connection: catalog.describe(connection, table_name))


async def explore_a_table(table_name: str, database: Database = Depends(database_as_caller)) -> str:
    """A table explained, with three questions that it can answer and the queries for them."""
    found = await database.read(lambda connection: catalog.describe(connection, table_name))
    return (
        f"Explain the table {found.schema_name}.{found.name} to me in a few sentences. Then propose three questions"
        " that it can answer, each with the SQL for the tool `query`, which only reads. Change nothing.\n\n"
        + material("The table", found)
    )


async def table_names(_: Mapping[str, str]) -> Sequence[str]:
    """The tables that the person who is asking may see; with their schema where it is not `public`."""
    found = await database_as_caller().read(catalog.tables)
    return [one.name if one.schema_name == "public" else f"{one.schema_name}.{one.name}" for one in found.tables]


OFFERS = Offers(
    resources=(
        Readable("postgres://tables", "Tables", tables),
        Readable("postgres://tables/{table_name}", "A table's schema", table_schema),
    ),
    prompts=(explore_a_table,),
    completions={"table_name": table_names},
)
