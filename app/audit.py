"""Vault's audit log, a person's own lines of it: which server came to Vault for them, for what, and what Vault said.

Everybody's requests stand in one file, so whose a line is, is decided here, before anything is handed out: by the
entity that Vault itself wrote into it. What Vault keeps from the log (HMAC-SHA-256) stays as it is.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from app.person_vault import PersonLogin
from app.process import AppProcess
from app.texts import t
from fastmcp_vault import tracing
from fastmcp_vault.errors import ConfigError, NotReady
from fastmcp_vault.tracing import Recorder, Trace
from fastmcp_vault.vault import Entity

TAIL_BYTES = 8 * 2**20
"""How much of the file's end is looked at, whoever asks: some thousand requests."""

LAB_CLIENT = "lab-"
"""How the names of the lab's own Keycloak clients begin."""

NOTHING: Mapping[str, str] = MappingProxyType({})

BESIDE = re.compile(r"[^/]+/metadata/|auth/token/lookup-self$")
"""What a server asks Vault beside a call: whether what it keeps for the caller still holds."""

ACCOUNT = re.compile(r"[^/]+/(data|metadata|destroy)/users/[^/]+/accounts/[^/]+$")
"""Where a connected account lies: itself, what is told of it, and the end of a version of it."""

DEEDS = {
    ("data", "create"): "connected",
    ("data", "update"): "refreshed",
    ("destroy", "update"): "replaced",
    ("metadata", "update"): "told",
    ("metadata", "delete"): "disconnected",
}
"""What a request there did, by place and operation; reading does nothing."""

LINES = 400
"""A person's lines that are handed out, the newest."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One request to Vault that was this person's, with the answer. ``at``: seconds since the epoch.

    ``server``: the Keycloak client that logged in as the person, ``sid``: in which sign-in of theirs; ``raw``: the line
    as Vault wrote it; ``action`` and ``step``: what this person did that led to it, where that is known.
    """

    at: float
    request_id: str
    correlation_id: str
    operation: str
    path: str
    server: str
    policies: tuple[str, ...]
    refusal: str
    raw: Mapping[str, Any]
    sid: str = ""
    action: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """A person's lines, the newest first, and since when (seconds since the epoch) the log was looked at.

    ``trace``: of this look itself, which may have logged in.
    """

    entity: str
    lines: list[AuditLine]
    since: float
    trace: Trace


async def look(process: AppProcess, cookie: str) -> AuditReport:
    """This person's lines.

    Raises NotReady where the app has no audit log, ConfigError when it cannot be read, and SessionEnded,
    VaultUnavailable and the like when Vault cannot be asked whom it takes the person for.
    """
    file = process.settings.audit_file
    if not file:
        raise NotReady(t("audit.none"), fix=t("audit.none.fix"))
    recorder = Recorder(t("action.audit"))
    with tracing.recording(recorder):
        session = await process.sessions.renewed(cookie)
        entity = await process.person_vault.use(session, _entity)
    try:
        lines, since = await asyncio.to_thread(read, log_of(file), entity.id)
    except OSError as error:
        raise ConfigError(t("audit.unreadable"), fix=t("audit.unreadable.fix")) from error
    return AuditReport(entity.name, lines, since, recorder.trace)


async def _entity(held: PersonLogin) -> Entity:
    return held.entity


def read(path: Path, entity_id: str, *, tail: int = TAIL_BYTES, limit: int = LINES) -> tuple[list[AuditLine], float]:
    """The lines about this entity in the file's last ``tail`` bytes, the newest first, and when those bytes begin.

    Where the file has just been begun anew, the one put aside (``.1``) stands before it. Raises OSError. An empty
    ``entity_id`` has no lines.
    """
    kept = ends_of(path, tail)
    found: deque[AuditLine] = deque(maxlen=limit)
    needle = entity_id.encode()
    for text in kept if needle else ():
        # Cheap first, then exact: others can write somebody's id into a path or a header.
        line = _line(text, entity_id) if needle in text else None
        if line is not None:
            found.appendleft(line)
    return list(found), _began(kept)


def log_of(setting: str) -> Path:
    """The audit log that ``AUDIT_FILE`` names: of several, the first that is there, or else the last."""
    paths = [Path(name) for name in setting.split(os.pathsep)]
    return next((path for path in paths if path.exists()), paths[-1])


def ends_of(path: Path, tail: int = TAIL_BYTES) -> list[bytes]:
    """The lines in a log's last ``tail`` bytes; those of the one put aside (``.1``) stand before. Raises OSError."""
    aside = path.with_name(f"{path.name}.1")
    newest, whole = _end(path, tail)
    before, whole = _end(aside, tail - len(newest)) if whole and aside.exists() else (b"", whole)
    kept = (before + newest).split(b"\n")
    return kept if whole else kept[1:]  # It begins in the middle of a line.


def _end(path: Path, length: int) -> tuple[bytes, bool]:
    """A file's last ``length`` bytes, and whether that is all of it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - length))
        return file.read(length), size <= length


Origin = Literal["here", "itself", "lab", "tab", "elsewhere"]
"""Where a line comes from: an action of this browser tab, a check or a renewal without one, the lab, this sign-in in
another tab, another sign-in of the person (a browser, a device, a program)."""


def origin(line: AuditLine, sid: str) -> Origin:
    """Who made a line (of :func:`joined`), as the person in the sign-in ``sid`` sees it."""
    if line.action:
        return "here"
    if line.server.startswith(LAB_CLIENT):
        return "lab"
    if not line.correlation_id:
        return "itself"
    return "elsewhere" if line.sid and line.sid != sid else "tab"


def joined(lines: Iterable[AuditLine], traces: Iterable[Trace], noted: Mapping[str, str] = NOTHING) -> list[AuditLine]:
    """The lines with what the person did: the action by its correlation id, the step by Vault's request id.

    ``noted``: actions by correlation id of which there is no trace.
    """
    actions = {**noted, **{trace.id: trace.action for trace in traces}}
    steps = {
        request_id: f"{step.number} · {t(f'registry.{step.kind}.title')}"
        for trace in traces
        for step in trace.steps
        for exchange in step.exchanges
        if (request_id := _request_id(exchange.response_body))
    }
    found = []
    for line in lines:
        action, did = actions.get(line.correlation_id, ""), deed(line)
        beside = t("audit.beside") if action and not did and BESIDE.match(line.path) else ""
        said = (steps.get(line.request_id, beside), t(f"audit.account.{did}") if did else "")
        found.append(replace(line, action=action, step=" · ".join(filter(None, said))))
    return found


def deed(line: AuditLine) -> str:
    """What a request did to a connected account (of DEEDS), or nothing. The role ``connector`` replaces one anew."""
    place = ACCOUNT.match(line.path)
    if place is None or line.refusal:
        return ""
    did = DEEDS.get((place[1], line.operation), "")
    return "connected" if did == "refreshed" and "connector" in line.policies else did


def _line(text: bytes, entity_id: str) -> AuditLine | None:
    whose, line = parsed(text) or ("", None)
    return line if whose == entity_id else None


def parsed(text: bytes) -> tuple[str, AuditLine] | None:
    """Whose line it is (Vault's id of an entity, or nothing), and the line; None where it is no answer of Vault's."""
    try:
        entry = json.loads(text)
        if entry["type"] != "response":
            return None
        request, auth = entry["request"], entry.get("auth") or {}
        made = (entry.get("response") or {}).get("auth") or {}
        whose = str(auth.get("entity_id") or made.get("entity_id") or "")
        # A login is answered with who it is; before that nobody is there.
        about = auth if auth.get("entity_id") else made
        granted = (about.get("policy_results") or {}).get("granting_policies") or ()
        return whose, AuditLine(
            at=_seconds(entry["time"]),
            request_id=str(request["id"]),
            correlation_id=_header(request),
            operation=str(request["operation"]),
            path=str(request["path"]),
            server=str((about.get("metadata") or {}).get("server", "")),
            policies=tuple(str(one.get("name", "")) for one in granted),
            refusal=" ".join(str(entry.get("error") or "").split()),
            raw=entry,
            sid=str((about.get("metadata") or {}).get("sid", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _header(request: Mapping[str, Any]) -> str:
    values = (request.get("headers") or {}).get("x-correlation-id") or [""]
    return str(values[0])


def _began(lines: Iterable[bytes]) -> float:
    for text in lines:
        try:
            return _seconds(json.loads(text)["time"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0.0


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time[:26].rstrip("Z") + "+00:00").timestamp()


def _request_id(body: str) -> str:
    """Vault's own id of a request, from its masked answer."""
    head = '{"request_id": "'
    return body[len(head) :].partition('"')[0] if body.startswith(head) else ""
