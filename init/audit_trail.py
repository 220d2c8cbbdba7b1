"""How long the audit trail of the MCP servers is kept: what is older goes at each provisioning run."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from fastmcp_vault.state import audit_rows
from init.ledger import Ledger, Part

PART: Final[Part] = "postgresql"

_THERE = "SELECT to_regclass('audit_trail') IS NOT NULL"


def provision(owner: psycopg.Connection[Any], ledger: Ledger, days: int) -> None:
    """Prune what is older than ``days`` from the chain's beginning on; as the tables' owner."""
    keep = days * 86_400.0
    there = owner.execute(_THERE).fetchone() == (True,)
    old = there and owner.execute(audit_rows.OLD, (keep,)).fetchone() == (True,)
    ledger.settle(
        PART,
        "audit trail",
        f"the last {days} days",
        exists=True,
        equal=not old,
        act=lambda: audit_rows.prune(owner, keep),
    )
