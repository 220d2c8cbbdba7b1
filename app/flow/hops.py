"""One person's tokens side by side: the login token, the one for a server, the one for Vault; what changed and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.claims import explained, shown
from app.mcp_client import LABELS
from app.texts import has, t
from fastmcp_vault.tracing import Step, Trace

HOPS = ("jwt", "server-token", "token-exchange")
"""The steps whose tokens are compared, in the order of the exchanges."""

Remembered = Mapping[tuple[str, str], Mapping[str, Any]]
"""Claims of tokens made in earlier actions by (server, kind of step), for those that are reused unseen."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One token: who it is for, its claims as far as they were seen, and its end (seconds since the epoch)."""

    title: str
    status: str
    claims: Mapping[str, Any]
    until: float | None


def hops(trace: Trace, server: str, remembered: Remembered) -> list[Hop]:
    """The tokens on the way to one server's Vault login; one that was never seen has no claims."""
    titles = (t("hop.login"), t("hop.server", server=LABELS.get(server, server)), t("hop.vault"))
    return [_hop(trace, kind, server, title, remembered) for kind, title in zip(HOPS, titles, strict=True)]


def _hop(trace: Trace, kind: str, server: str, title: str, remembered: Remembered) -> Hop:
    owner = "" if kind == "jwt" else server
    step = trace.find(kind, owner)
    claims = claims_of(step) or remembered.get((owner, kind), {})
    until = claims.get("exp")
    return Hop(title, step.status if step else "skipped", claims, until if isinstance(until, int | float) else None)


def claims_of(step: Step | None) -> Mapping[str, Any]:
    """The claims that a step recorded, if it did."""
    found = step.detail.get("claims") if step else None
    return found if isinstance(found, Mapping) else {}


def remember(trace: Trace) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The claims that this trace saw, for later ones that reuse the tokens."""
    return {(s.server, s.kind): claims_of(s) for s in trace.steps if s.kind in HOPS and claims_of(s)}


def compared(found: list[Hop]) -> list[dict[str, Any]]:
    """One row per claim: its meaning, its value in each token, whether it changed since the token before, and why."""
    union: dict[str, Any] = {}
    for hop in found:
        union.update(hop.claims)
    return [_row(name, meaning, found) for name, _, meaning in explained(union)]


def _row(name: str, meaning: str, found: list[Hop]) -> dict[str, Any]:
    cells: list[dict[str, Any]] = []
    before: Hop | None = None
    for hop in found:
        has_it = name in hop.claims
        changed = bool(before and hop.claims and before.claims and hop.claims.get(name) != before.claims.get(name))
        cells.append({"value": shown(name, hop.claims[name]) if has_it else "", "changed": changed})
        before = hop if hop.claims else before
    differs = any(cell["changed"] for cell in cells)
    return {"claim": name, "meaning": meaning, "cells": cells, "changed": differs, "why": _why(name, differs)}


def _why(name: str, differs: bool) -> str:
    if has(f"hop.why.{name}"):
        return t(f"hop.why.{name}")
    return t("hop.why.other") if differs else t("hop.why.same")
