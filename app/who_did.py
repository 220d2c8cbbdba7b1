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


async def look(process: AppProcess, cookie: str, correlation_id: str = "") -> WhoDid:
    """The rows that this person may see: their own, by issuer and subject; with the role ``facilitator``, all.

    ``correlation_id``: rows with it are among them, however old. By a token whose signature is checked again. Raises
    SessionEnded, StateUnavailable.
    """
    session = await process.sessions.renewed(cookie)
    claims = await process.validator.validate(session.tokens.access_token.get_secret_value())
    everybody = FACILITATOR in claims.realm_access.get("roles", ())
    iss, sub = (None, None) if everybody else (claims.iss, claims.sub)
    find = process.state.audit_rows.find
    wanted = await find(iss=iss, sub=sub, correlation_id=correlation_id, limit=ROWS) if correlation_id else []
    newest = await find(iss=iss, sub=sub, limit=ROWS)
    return WhoDid(newest + [row for row in wanted if row not in newest], everybody)
