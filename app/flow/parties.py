"""Who speaks in a trace, by the names that people know."""

from __future__ import annotations

from app.mcp_client import LABELS
from app.texts import t

LANES = ("browser", "app", "keycloak", "mcp", "vault", "backend")
"""The lifelines from left to right: the registry's parties."""


def party(name: str, server: str) -> str:
    """A lifeline's name; ``mcp`` and ``backend`` are those of ``server``."""
    if name == "backend":
        return t(f"party.backend.{server}") if server in (*LABELS, "agents") else t("party.backend.")
    if name == "mcp" and server == "agents":
        return t("party.mcp.agents")
    if name == "mcp":
        return t("party.mcp", server=LABELS[server]) if server in LABELS else t("party.mcp.")
    return t(f"party.{name}")


def lanes(server: str) -> list[str]:
    """The lifelines' names in the part of a trace that belongs to ``server``."""
    return [party(name, server) for name in LANES]
