"""A database of the test's own, with the schema of the shared state, on the stack's PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from fastmcp_vault import state
from stack.testing import Stack

SCHEMA = Path(state.__file__).with_name("schema.sql")


@dataclass
class Database:
    """One database, and what can go wrong with it."""

    name: str
    admin: str

    @property
    def dsn(self) -> SecretStr:
        return SecretStr(self.admin.removesuffix("/postgres") + f"/{self.name}")

    async def run(self, statement: str, *values: object, inside: bool = True) -> list[tuple[object, ...]]:
        """Run one statement as the superuser, in this database or beside it."""
        dsn = self.dsn.get_secret_value() if inside else self.admin
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def cut(self) -> int:
        """End every connection to the database; returns how many there were."""
        rows = await self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", self.name, inside=False
        )
        return len(rows)

    async def shut(self) -> None:
        """Nobody gets in any more, and who was in is thrown out."""
        await self.run(f"ALTER DATABASE {self.name} WITH ALLOW_CONNECTIONS false", inside=False)
        await self.cut()

    async def unlock(self) -> None:
        """The end of :meth:`shut`."""
        await self.run(f"ALTER DATABASE {self.name} WITH ALLOW_CONNECTIONS true", inside=False)


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[Database]:
    name = f"state_{secrets.token_hex(6)}"
    password = stack.secrets["POSTGRES_ADMIN_PASSWORD"]
    admin = f"postgresql://postgres:{password}@127.0.0.1:{stack.ports['postgres']}/postgres"
    made = Database(name, admin)
    async with await psycopg.AsyncConnection.connect(admin, autocommit=True) as connection:
        await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            await made.run(SCHEMA.read_text())
            yield made
        finally:
            await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
