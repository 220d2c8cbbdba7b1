"""Who speaks in a trace, by the names that people know."""

from __future__ import annotations

from app.mcp_client import LABELS
from app.texts import has, t
from fastmcp_vault.tracing import Trace

_USUAL = ("browser", "app", "keycloak", "mcp", "vault", "backend")
_ALL = ("browser", "app", "chatbot", "relay", "keycloak", "mcp", "vault", "backend")
"""The registry's parties from left to right."""


def lifelines(trace: Trace) -> tuple[str, ...]:
    """The parties to draw: always the same six for a tool call; where others take part, those that do."""
    involved = {party for step in trace.steps for party in (step.about.source, step.about.target)}
    return _USUAL if involved <= set(_USUAL) else tuple(name for name in _ALL if name in involved)


def party(name: str, server: str) -> str:
    """A lifeline's name; ``mcp`` and ``backend`` are those of ``server``."""
    if name == "backend":
        key = f"party.backend.{server}"
        return t(key) if has(key) else LABELS.get(server) or t("party.backend.")
    if name == "mcp" and server == "agents":
        return t("party.mcp.agents")
    if name == "mcp":
        return t("party.mcp", server=LABELS[server]) if server in LABELS else t("party.mcp.")
    return t(f"party.{name}")


def lanes(trace: Trace, server: str) -> list[str]:
    """The lifelines' names in the part of a trace that belongs to ``server``."""
    return [party(name, server) for name in lifelines(trace)]
