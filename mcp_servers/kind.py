"""What makes one server different from the others: each has a module of its own that ends with ``SERVER``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Generic, TypeVar

from fastmcp_vault.credentials.sources import Source
from fastmcp_vault.server.offers import Offers
from fastmcp_vault.vault import Vault
from mcp_servers.settings import ServerSettings

S = TypeVar("S", bound=ServerSettings)


@dataclass(frozen=True, slots=True)
class Kind:
    """A server's tools, its back end, where its credentials lie, and what it offers beside tools.

    ``backend`` has ``circuit``, which says whether it is up, and ``close()``.
    """

    tools: tuple[Callable[..., Any], ...]
    backend: Any
    source: Source[Any]
    offers: Offers = field(default_factory=Offers)


@dataclass(frozen=True, slots=True)
class McpServer(Generic[S]):
    """A server's settings, and how its kind is made of them."""

    settings: type[S]
    kind: Callable[[S, Vault], Kind]


def server_named(name: str) -> McpServer[Any]:
    """``SERVER`` of ``mcp_servers/<name>.py``; only that server's module is imported."""
    found: McpServer[Any] = import_module(f"mcp_servers.{name}").SERVER
    return found
