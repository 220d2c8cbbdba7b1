"""What a person is asked: what will be done, with which credential, for how long; for a form, a link, the app."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from mcp_types import (
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    InputRequiredResult,
)

from fastmcp_vault.credentials.calls import Call
from fastmcp_vault.credentials.grant import HeldCredential
from fastmcp_vault.meta import APPROVAL_KEY
from fastmcp_vault.printable import printable
from fastmcp_vault.server.profile import ServerProfile
from fastmcp_vault.state import Approval

APPROVE = "approve"
"""The form's one field."""

FORM_LIMIT = 4_000
"""Characters of a form's message; what is longer is shown in the app, whole, rather than cut."""


def facts(call: Call, profile: ServerProfile, held: HeldCredential[Any]) -> dict[str, Any]:
    """What will be done, for whom, and with what. ``credential_until``: seconds since the epoch."""
    claims = call.caller.claims
    return {
        "server": profile.name,
        "title": profile.title,
        "tool": call.tool,
        "username": claims.username,
        "client": claims.azp,
        "arguments": printable(json.dumps(dict(call.arguments), ensure_ascii=False, indent=2), keep="\n"),
        "entity": held.entity,
        "path": held.credential.path,
        "credential": held.credential.masked,
        "credential_until": held.until,
        "lifetime": profile.approval.lifetime,
        "correlation_id": call.correlation_id,
    }


def words(told: dict[str, Any]) -> str:
    """The facts as a message for people."""
    return (
        f"{told['tool']} at {told['title']} would change data as {told['username']}, asked by {told['client']}:\n\n"
        f"{told['arguments']}\n\n"
        f"With {told['entity']}'s own credential at {told['path']} ({told['credential']}),"
        f" which holds until {_clock(told['credential_until'])}.\n"
        f"A yes is good once, for exactly these arguments, for {told['lifetime']:.0f} seconds."
    )


def as_form(key: str, approval: Approval, message: str) -> InputRequiredResult:
    """The question for a client that shows a form (MCP 2026-07-28, Elicitation, form mode)."""
    schema = {
        "type": "object",
        "properties": {APPROVE: {"type": "boolean", "title": "Do it", "default": False}},
        "required": [APPROVE],
    }
    asked = ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))
    return _result(key, approval, asked)


def as_link(key: str, approval: Approval, link: str) -> InputRequiredResult:
    """The question for a client that opens addresses (MCP 2026-07-28, Elicitation, URL mode)."""
    message = f"{approval.tool} changes data. Look at what will be done, and say yes or no, in the app."
    return _result(key, approval, ElicitRequest(params=ElicitRequestURLParams(message=message, url=link)))


def _result(key: str, approval: Approval, asked: ElicitRequest) -> InputRequiredResult:
    return InputRequiredResult(
        input_requests={key: asked},
        request_state=approval.id,
        _meta={APPROVAL_KEY: {**approval.facts, "expires_at": approval.expires_at}},
    )


def _clock(at: float) -> str:
    """A moment (seconds since the epoch) as RFC 3339 writes it: who reads it may be anywhere."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
