"""What other parts wrote about one action of the audit trail: Vault, PostgreSQL, the MCP server, the back end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from app import audit
from app.audit import AuditLine
from fastmcp_vault.masking import mask_text
from fastmcp_vault.printable import printable
from fastmcp_vault.state.audit_rows import AuditRow

LINES = 30
"""Lines of one part that are shown, the newest."""

LINE_LIMIT = 500
"""Characters of a line."""

LOGS: Mapping[str, str] = MappingProxyType({"PostgreSQL": "postgres.log", "back end": "mock.log"})
"""Which part writes which of the demo's logs; the MCP server's is called as the server."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Lines of one part about an action; ``missing``: why there are none."""

    part: str
    lines: tuple[str, ...] = ()
    missing: str = ""


def evidence(row: AuditRow, *, audit_file: str, logs: Path | None) -> list[Evidence]:
    """What each part says about an action, by its correlation id; what could not be joined says why.

    A client chooses the id and may use one twice, or somebody else's: so Vault's lines are those of the same sign-in
    through the same server. A line of another log says by itself whose it is. For those who may see everybody's lines.
    """
    server = str(row.said.get("server", ""))
    found = [_of_vault(row, audit_file)]
    for part, name in {"MCP server": f"{server}.log", **LOGS}.items():
        needless = {"PostgreSQL": server != "mcp-postgres", "back end": server == "mcp-postgres"}.get(part, False)
        if needless:
            continue
        if logs is None:
            found.append(Evidence(part, missing="its log is not where this program can read it"))
        else:
            found.append(_of_log(part, logs / name, str(row.said.get("correlation_id", ""))))
    return found


def _of_vault(row: AuditRow, audit_file: str) -> Evidence:
    if not audit_file:
        return Evidence("Vault", missing="AUDIT_FILE names no audit log of Vault's")
    wanted, needle = row.said, str(row.said.get("correlation_id", "")).encode()
    try:
        texts = [text for text in audit.ends_of(audit.log_of(audit_file)) if needle and needle in text]
    except OSError as error:
        return Evidence("Vault", missing=f"its audit log cannot be read: {error.strerror}")
    lines = [line for found in map(audit.parsed, texts) if found is not None and _same(line := found[1], wanted)]
    if not lines:
        return Evidence(
            "Vault", missing="no request under this id: the credential was held from before, or the lines are gone"
        )
    return Evidence("Vault", tuple(_said(line) for line in lines[-LINES:]))


def _same(line: AuditLine, wanted: Mapping[str, object]) -> bool:
    return (line.correlation_id, line.server, line.sid) == (
        wanted.get("correlation_id"),
        wanted.get("server"),
        wanted.get("sid"),
    )


def _said(line: AuditLine) -> str:
    outcome = f"refused: {line.refusal}" if line.refusal else f"allowed by {', '.join(line.policies) or 'no policy'}"
    return _shown(f"{line.operation} {line.path} {outcome} [request {line.request_id}]")


def _of_log(part: str, path: Path, correlation_id: str) -> Evidence:
    # Neither a longer id that holds this one, nor another word.
    exact = re.compile(rb"(?<![A-Za-z0-9._-])" + re.escape(correlation_id.encode()) + rb"(?![A-Za-z0-9._-])")
    try:
        lines = [line for line in audit.ends_of(path) if exact.search(line)]
    except OSError as error:
        return Evidence(part, missing=f"{path.name} cannot be read: {error.strerror}")
    if not lines:
        return Evidence(part, missing=f"{path.name} has no line with this id")
    return Evidence(part, tuple(_shown(line.decode(errors="replace")) for line in lines[-LINES:]))


def _shown(line: str) -> str:
    return printable(mask_text(line, limit=LINE_LIMIT))
