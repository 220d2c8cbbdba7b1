"""Who did what through the MCP servers: a person's own rows of the audit trail, the facilitator everybody's."""

from __future__ import annotations

from dataclasses import dataclass

from app.process import AppProcess
from app.room import FACILITATOR
from fastmcp_vault.state.audit_rows import AuditRow

ROWS = 200
"""Rows that are shown, the newest."""


@dataclass(frozen=True, slots=True)
class WhoDid:
    """Rows of the audit trail, the newest first; ``everybody``: not of one person alone."""

    rows: list[AuditRow]
    everybody: bool


async def look(process: AppProcess, cookie: str) -> WhoDid:
    """The rows that this person may see: their own, by issuer and subject; with the role ``facilitator``, all.

    By a token whose signature is checked again. Raises SessionEnded, StateUnavailable.
    """
    session = await process.sessions.renewed(cookie)
    claims = await process.validator.validate(session.tokens.access_token.get_secret_value())
    rows = process.state.audit_rows
    if FACILITATOR in claims.realm_access.get("roles", ()):
        return WhoDid(await rows.find(limit=ROWS), everybody=True)
    return WhoDid(await rows.find(iss=claims.iss, sub=claims.sub, limit=ROWS), everybody=False)
