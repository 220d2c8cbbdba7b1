"""Compact JWS (RFC 7515) as this project accepts it: RS256, a key id, nothing critical, bounded size."""

from __future__ import annotations

import base64
import json
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact

from fastmcp_vault.errors import TokenInvalid
from fastmcp_vault.sentences import Sentence

ALGORITHM = "RS256"

MAX_TOKEN = 16_384
"""Characters; Keycloak's tokens have some 1,500."""

_registry = JWSRegistry(algorithms=[ALGORITHM])


def key_id(token: str) -> str:
    """The ``kid`` that the header names. Raises TokenInvalid unless the header is one we accept."""
    header = _header(token)
    if header.get("alg") != ALGORITHM:
        raise TokenInvalid(
            Sentence("The token is not signed with {algorithm}.", algorithm=ALGORITHM),
            fix="Sign in again.",
            reason="algorithm",
        )
    if "crit" in header:
        raise TokenInvalid("The token asks for something this program does not know.", reason="critical")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenInvalid("The token does not name its key.", fix="Sign in again.", reason="unknown_key")
    return kid


def verified_payload(token: str, key: RSAKey) -> dict[str, Any]:
    """The payload, once the signature is found good. Raises TokenInvalid."""
    key_id(token)
    try:
        payload = json.loads(deserialize_compact(token, key, registry=_registry).payload or b"")
    except (JoseError, ValueError, RecursionError) as error:
        raise TokenInvalid("The token's signature is not good.", fix="Sign in again.", reason="signature") from error
    if not isinstance(payload, dict):
        raise TokenInvalid("The token holds no claims.", fix="Sign in again.", reason="malformed")
    return payload


def is_access_token(token: str) -> bool:
    """Whether the header says so (``typ``: ``at+jwt``, RFC 9068 §2.1). Raises TokenInvalid if it is no signed token."""
    return str(_header(token).get("typ", "")).lower().removeprefix("application/") == "at+jwt"


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN:
        raise TokenInvalid(Sentence("The token is longer than {most} characters.", most=MAX_TOKEN), reason="too_long")
    head, _, rest = token.partition(".")
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or rest.count(".") != 1:
        raise TokenInvalid("This is not a signed token.", fix="Sign in.", reason="malformed")
    return header
