"""What makes one server different from the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastmcp_vault.credentials.sources import Source
from fastmcp_vault.server.offers import Offers


@dataclass(frozen=True, slots=True)
class Kind:
    """A server's tools, its back end, where its credentials lie, and what it offers beside tools.

    ``backend`` has ``circuit``, which says whether it is up, and ``close()``.
    """

    tools: tuple[Callable[..., Any], ...]
    backend: Any
    source: Source[Any]
    offers: Offers = field(default_factory=Offers)
