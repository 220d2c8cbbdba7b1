"""A database connection as the caller: a user that Vault makes, and a pool of connections for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastmcp_vault.credentials.pools import Connections, LeasePool
from fastmcp_vault.credentials.sources import DatabaseSource, DatabaseUser, Source
from fastmcp_vault.state.protocol import SharedState
from fastmcp_vault.vault import DatabaseCredential, Vault


@dataclass(frozen=True, slots=True)
class DatabaseRole:
    """A database user that Vault makes for the caller and drops with the lease (Vault API: :mount/creds/:role).

    ``connection``: libpq's parameters but for user and password (host, port, dbname …). The tool gets an open
    ``psycopg.AsyncConnection`` as that user, from a pool of at most ``size``; all users together have at most
    ``total``. ``idle`` and ``wait`` in seconds. Needs the extra ``postgres``.
    """

    mount: str
    role: str
    connection: Mapping[str, Any] = field(default_factory=dict)
    size: int = 3
    total: int = 100
    idle: float = 5.0
    wait: float = 5.0

    def __post_init__(self) -> None:
        if "{entity}" not in self.role:
            raise ValueError("DatabaseRole: the role must hold {entity}, or everybody would get the same user")

    def source(
        self, vault: Vault, *, server: str, clock: Callable[[], float], state: SharedState
    ) -> Source[DatabaseUser]:
        """The database engine, and a pool of connections for each user it makes."""
        among = Connections(limit=self.total, wait=self.wait)

        async def connect(user: DatabaseCredential, _: str) -> LeasePool:
            own = {
                **self.connection,
                "user": user.username,
                "password": user.password.get_secret_value(),
                "autocommit": True,
                "application_name": server,
            }
            return LeasePool(own, among=among, size=self.size, idle=self.idle, wait=self.wait)

        return DatabaseSource(vault, connect=connect, mount=self.mount, role=self.role, clock=clock)

    @asynccontextmanager
    async def opened(self, credential: DatabaseUser) -> AsyncIterator[Any]:
        """A connection as the caller, clean, and given back afterwards."""
        assert credential.pool is not None
        connection = await credential.pool.take()
        try:
            yield connection
        finally:
            await credential.pool.give_back(connection)
