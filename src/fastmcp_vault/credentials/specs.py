"""What a tool asks for: a kind of credential, such as a secret in the KV engine, of the caller's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from fastmcp_vault.credentials.sources import Credential, KVSource, Source, StoredSecret
from fastmcp_vault.state.protocol import SharedState
from fastmcp_vault.vault import Vault

T = TypeVar("T", bound=Credential)


class CredentialSpec(Protocol[T]):
    """A kind of credential: where it lies (``source``), and what a tool is given of it (``opened``)."""

    def source(self, vault: Vault, *, server: str, clock: Callable[[], float], state: SharedState) -> Source[T]:
        """How it is read, confirmed, renewed and ended. ``state``: what the server's replicas share."""

    def opened(self, credential: T) -> AbstractAsyncContextManager[Any]:
        """What the tool gets, for as long as it runs."""


@dataclass(frozen=True, slots=True)
class KVSecret:
    """A secret of the KV engine, version 2, at ``mount`` (Vault API: :mount/data/:path).

    ``path`` holds ``{entity}``, for which Vault's name of the caller is put. ``fields`` must be there. The tool gets a
    :class:`StoredSecret`.
    """

    mount: str
    path: str
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "{entity}" not in self.path:
            raise ValueError("KVSecret: the path must hold {entity}, or everybody would get the same secret")

    def source(
        self, vault: Vault, *, server: str, clock: Callable[[], float], state: SharedState
    ) -> Source[StoredSecret]:
        """The KV engine."""
        return KVSource(
            vault, server=server, title=server, needs=self.fields, path=self.path, mount=self.mount, clock=clock
        )

    @asynccontextmanager
    async def opened(self, credential: StoredSecret) -> AsyncIterator[StoredSecret]:
        """The secret itself."""
        yield credential
