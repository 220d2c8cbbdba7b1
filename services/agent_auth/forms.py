"""Reading what OAuth clients send: forms whose parameters come once, and scopes that may narrow, never widen."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request

from fastmcp_vault.sentences import Sentence
from services.agents.certificates import AgentCertificate
from services.agents.errors import InvalidClient, InvalidRequest, InvalidScope

FORM = "application/x-www-form-urlencoded"
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6749 §3.3."""


async def form_of(request: Request, client: AgentCertificate) -> dict[str, str]:
    """The form's parameters. Raises InvalidRequest for one that comes twice (RFC 6749 §3.2), InvalidClient.

    The certificate is the one way to be known: a second one beside it is refused (RFC 6749 §2.3), and a
    ``client_id``, which RFC 8705 §2 wants, must be the certificate's.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise InvalidRequest(Sentence("Send the parameters as {form}.", form=FORM))
    try:
        pairs = (await request.form(max_fields=20)).multi_items()
    except Exception as error:
        raise InvalidRequest("The form cannot be read.") from error
    form = {name: value for name, value in pairs if isinstance(value, str)}
    if len(form) != len(pairs):
        raise InvalidRequest("A parameter comes more than once.")
    if request.headers.get("authorization") or form.keys() & {"client_secret", "client_assertion"}:
        raise InvalidRequest("The certificate is the one way to authenticate here.")
    if form.get("client_id", client.name) != client.name:
        raise InvalidClient("`client_id` is not the certificate's agent.")
    return form


def scopes_of(asked: str | None, client: AgentCertificate) -> frozenset[str]:
    """Those asked for, else all that the certificate allows (RFC 6749 §3.3). Raises InvalidScope."""
    if asked is None or not asked:
        if not client.scopes:
            raise InvalidScope("The certificate allows no scope.")
        return client.scopes
    if not _SCOPE.fullmatch(asked):
        raise InvalidScope("`scope` is a list of names, separated by single spaces.")
    wanted = frozenset(asked.split(" "))
    if wanted - client.scopes:
        allowed = " ".join(sorted(client.scopes))
        raise InvalidScope(Sentence("The certificate allows no more than: {allowed}.", allowed=allowed))
    return wanted


def _openapi(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": required, "properties": properties}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


OPENAPI_TOKEN = _openapi(
    ["grant_type"],
    grant_type={"type": "string", "enum": ["client_credentials"]},
    scope={"type": "string", "description": "Scopes, separated by spaces; default: all that the certificate allows"},
    client_id={"type": "string", "description": "The agent's name; the certificate says it already"},
)
OPENAPI_REVOKE = _openapi(
    ["token"],
    token={"type": "string"},
    token_type_hint={"type": "string"},
    client_id={"type": "string"},
)
