"""What other parts wrote about one action of the audit trail: Vault, the MCP server, PostgreSQL, the back end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app import audit
from app.audit import AuditLine
from app.settings import AppSettings
from app.texts import t
from fastmcp_vault.masking import mask_text
from fastmcp_vault.printable import printable
from fastmcp_vault.state.audit_rows import AuditRow

LINES = 30
"""Lines of one part that are shown, the newest."""

LINE_LIMIT = 500
"""Characters of a line."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Lines of one part about an action; ``missing``: why there are none, in the language being spoken."""

    part: str
    lines: tuple[str, ...] = ()
    missing: str = ""


def evidence(row: AuditRow, settings: AppSettings, *, everybody: bool) -> list[Evidence]:
    """What each part wrote about a call, by its correlation id; what could not be joined says why.

    A client chooses the id and may use one twice, or somebody else's: so Vault's lines are those of the same sign-in
    through the same server. A line of another log does not say whose it is: those are for who may see everybody's.
    Reads files.
    """
    if "deed" in row.said:
        return []
    found = [_of_vault(row, settings.audit_file)]
    if everybody:
        found += _of_logs(row, settings.logs_dir)
    return found


def _of_vault(row: AuditRow, audit_file: str) -> Evidence:
    if not audit_file:
        return Evidence("Vault", missing=t("audit.missing.no-file", setting="AUDIT_FILE"))
    wanted = tuple(str(row.said.get(name, "")) for name in ("correlation_id", "server", "sid"))
    try:
        texts = [text for text in audit.ends_of(audit.log_of(audit_file)) if wanted[0].encode() in text]
    except OSError as error:
        return Evidence("Vault", missing=t("audit.missing.unreadable", why=error.strerror))
    lines = [found[1] for found in map(audit.parsed, texts) if found is not None]
    own = [_said(line) for line in lines if (line.correlation_id, line.server, line.sid) == wanted]
    return Evidence("Vault", tuple(own[-LINES:]), "" if own else t("audit.missing.vault"))


def _said(line: AuditLine) -> str:
    outcome = line.refusal or " by ".join(filter(None, ("allowed", ", ".join(line.policies))))
    return _shown(f"{line.operation} {line.path}: {outcome} (request {line.request_id})")


def _of_logs(row: AuditRow, folder: str) -> Iterator[Evidence]:
    server, correlation_id = str(row.said.get("server", "")), str(row.said.get("correlation_id", ""))
    behind = ("PostgreSQL", "postgres") if server == "mcp-postgres" else (t("audit.part.backend"), "mock")
    for part, name in ((t("audit.part.server"), server), behind):
        if folder:
            yield _of_log(part, Path(folder) / f"{name}.log", correlation_id)
        else:
            yield Evidence(part, missing=t("audit.missing.no-file", setting="LOGS_DIR"))


def _of_log(part: str, path: Path, correlation_id: str) -> Evidence:
    # Neither a longer id that holds this one, nor another word.
    exact = re.compile(rb"(?<![A-Za-z0-9._-])" + re.escape(correlation_id.encode()) + rb"(?![A-Za-z0-9._-])")
    try:
        lines = [_shown(line.decode(errors="replace")) for line in audit.ends_of(path) if exact.search(line)]
    except OSError as error:
        return Evidence(part, missing=t("audit.missing.unreadable", why=error.strerror))
    return Evidence(part, tuple(lines[-LINES:]), "" if lines else t("audit.missing.log", file=path.name))


def _shown(line: str) -> str:
    return printable(mask_text(line, limit=LINE_LIMIT))
