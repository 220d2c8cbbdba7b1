"""The one table from what Keycloak answers, or does not, to errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from common.errors import ConfigError, ExchangeRefused, KeycloakUnavailable, LoginFailed, Problem, SessionEnded
from common.masking import mask_text

Doing = Literal["redeem", "refresh", "exchange", "logout"]

_DOING: dict[Doing, str] = {
    "redeem": "finishing the sign-in",
    "refresh": "refreshing the session",
    "exchange": "exchanging the token",
    "logout": "signing out",
}
_STATUS = "`./demo status` says whether Keycloak is up; try again."
_SIGN_IN = "Sign in again."
_INIT = "`./demo init` sets Keycloak's clients; then sign in again."

_ENDED = ("session not active", "invalid token", "token is not active", "session doesn't have required client")
"""Keycloak's words (error_description) for a session that is over, when it does not say `invalid_grant`."""

_TABLE: dict[tuple[Doing, str], tuple[type[Problem], str, str]] = {
    ("redeem", "invalid_grant"): (LoginFailed, "The sign-in took too long or was already used.", _SIGN_IN),
    ("refresh", "invalid_grant"): (SessionEnded, "Your session has ended.", _SIGN_IN),
    ("exchange", "invalid_grant"): (SessionEnded, "Your session has ended.", _SIGN_IN),
    ("logout", "invalid_grant"): (SessionEnded, "The session was already over.", _SIGN_IN),
}
"""What is being done and the OAuth error code (RFC 6749 §5.2) → our error, what happened, what to do."""

_OTHERWISE: dict[Doing, tuple[type[Problem], str, str]] = {
    "redeem": (LoginFailed, "Keycloak refused the sign-in.", _INIT),
    "refresh": (SessionEnded, "Keycloak refused to continue the session.", _SIGN_IN),
    "exchange": (
        ExchangeRefused,
        "Keycloak refused the token exchange.",
        "The token must be meant for the server that exchanges it; `./demo init` sets who may exchange what.",
    ),
    "logout": (LoginFailed, "Keycloak refused to end the session.", _INIT),
}


def from_keycloak(error: Exception, doing: Doing) -> Problem:
    """Our error for what one call to Keycloak raised."""
    what = _DOING[doing]
    if isinstance(error, KeycloakConnectionError):
        return KeycloakUnavailable(f"While {what}: Keycloak did not answer.", fix=_STATUS)
    status = error.response_code or 0 if isinstance(error, KeycloakError) else 0
    body = _oauth_error(error.response_body) if isinstance(error, KeycloakError) else {}
    code = str(body.get("error", ""))
    words = mask_text(str(body.get("error_description", "")))
    if status >= 500 or not code:
        return KeycloakUnavailable(f"While {what}: Keycloak gave no proper answer{_number(status)}.", fix=_STATUS)
    if code in ("invalid_client", "unauthorized_client") and status == 401:
        return ConfigError(
            f"While {what}: Keycloak does not accept this program's client secret.",
            fix="`./demo init` sets it; then restart the program.",
        )
    kind, said, fix = _TABLE.get((doing, code), _OTHERWISE[doing])
    if doing in ("refresh", "exchange") and any(end in words.lower() for end in _ENDED):
        kind, said, fix = _TABLE[doing, "invalid_grant"]
    return kind(f"{said}{f' It said: {words}.' if words else ''}", fix=fix, error=code, error_description=words)


@contextmanager
def translated(doing: Doing) -> Iterator[None]:
    """Turn whatever a call to Keycloak raises inside the block into our error, with the cause chained."""
    try:
        yield
    except (KeycloakError, TypeError, ValueError, AttributeError) as error:
        # python-keycloak raises the latter three at an answer that is not the JSON object it expects.
        raise from_keycloak(error, doing) from error


def _oauth_error(body: bytes | None) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _number(status: int) -> str:
    return f" (HTTP {status})" if status else ""
