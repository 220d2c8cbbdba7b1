"""How long the audit trail of the MCP servers is kept."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import psycopg

from init.ledger import Ledger, Part

PART: Final[Part] = "postgresql"


def provision(owner: psycopg.Connection[Any], ledger: Ledger, days: int) -> None:
    """Keep each row for ``days``; the app prunes what is older. As the tables' owner."""
    there = owner.execute("SELECT to_regclass('audit_head') IS NOT NULL").fetchone() == (True,)
    found = owner.execute("SELECT keep_days FROM audit_head").fetchone() if there else None
    keep = partial(owner.execute, "UPDATE audit_head SET keep_days = %s", [days])
    ledger.settle(PART, "audit trail", f"{days} days", exists=there, equal=found == (days,), act=keep)
