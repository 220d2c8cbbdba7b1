"""The one table from what Keycloak answers, or does not, to errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx2

from fastmcp_vault.errors import ConfigError, ExchangeRefused, KeycloakUnavailable, LoginFailed, Problem, SessionEnded
from fastmcp_vault.masking import mask_text
from fastmcp_vault.sentences import Sentence

Doing = Literal[
    "finishing the sign-in",
    "refreshing the session",
    "exchanging the token",
    "signing out",
    "revoking the token",
    "asking about the session",
    "asking for the name of a program",
]
"""What is being done, as it completes "…, while"."""

_STATUS = "Check that Keycloak is up; then try again."
_SIGN_IN = "Sign in again."
_INIT = "Check this program's client at Keycloak; then sign in again."
_ENDED = (SessionEnded, "Your session has ended", _SIGN_IN)

_TABLE: dict[tuple[Doing, str], tuple[type[Problem], str, str]] = {
    ("finishing the sign-in", "invalid_grant"): (
        LoginFailed,
        "The sign-in took too long, or was finished already",
        _SIGN_IN,
    ),
    ("refreshing the session", "invalid_grant"): _ENDED,
    ("exchanging the token", "invalid_grant"): _ENDED,
    ("signing out", "invalid_grant"): _ENDED,
}
"""What is being done and the OAuth error code (RFC 6749 §5.2) → our error, what happened, what to do."""

_OTHERWISE: dict[Doing, tuple[type[Problem], str, str]] = {
    "finishing the sign-in": (LoginFailed, "Keycloak refused the sign-in", _INIT),
    "refreshing the session": (SessionEnded, "Keycloak refused to continue the session", _SIGN_IN),
    "exchanging the token": (
        ExchangeRefused,
        "Keycloak refused the token exchange",
        "The token must be meant for the server that exchanges it, and that server's client be allowed to exchange it.",
    ),
    "signing out": (LoginFailed, "Keycloak refused to end the session", _INIT),
    "revoking the token": (LoginFailed, "Keycloak refused to revoke the token", _INIT),
    "asking about the session": (ExchangeRefused, "Keycloak does not tell whether the session lives", _INIT),
    "asking for the name of a program": (ExchangeRefused, "Keycloak does not tell the name of the program", _INIT),
}
"""The same for every other code."""

_OVER = ("invalid token", "session not active", "token is not active")
"""How Keycloak describes an ended session where it does not answer ``invalid_grant`` (token exchange says
``invalid_request``, "Invalid token")."""

WORDS = 300
"""Characters kept of what Keycloak said."""


@contextmanager
def translated(doing: Doing) -> Iterator[None]:
    """Turn whatever a call to Keycloak raises inside the block into our error, with the cause chained."""
    try:
        yield
    except httpx2.HTTPError as error:
        raise KeycloakUnavailable(
            Sentence("Keycloak did not answer, while {doing}.", doing=doing), fix=_STATUS
        ) from error


def understood(status: int, body: bytes, doing: Doing, *, good: int) -> Any:
    """The JSON of an answer whose status is ``good``, None if it has none. Raises our error for any other."""
    told = _parsed(body) if body else None
    if status != good:
        raise refusal(status, told if isinstance(told, dict) else {}, doing)
    return told


def refusal(status: int, body: dict[str, Any], doing: Doing) -> Problem:
    """Our error for an error response of the token or logout endpoint (RFC 6749 §5.2); pure."""
    code, words = str(body.get("error", ""))[:WORDS], mask_text(str(body.get("error_description", "")), limit=WORDS)
    said = f": {words.strip().rstrip('.')}" if words.strip() else ""
    if not code:
        return _not_keycloak(doing)
    if status >= 500:
        return KeycloakUnavailable(
            Sentence("Keycloak had an internal error, while {doing}{said}.", doing=doing, said=said),
            fix=_STATUS,
            one_call=True,
        )
    if code in ("invalid_client", "unauthorized_client") and status == 401:
        return ConfigError(
            Sentence("Keycloak does not accept this program's client secret, while {doing}.", doing=doing),
            fix="Give it the secret that Keycloak has for it; then restart the program.",
        )
    kind, what, fix = _TABLE.get((doing, code), _OTHERWISE[doing])
    if doing == "exchanging the token" and words.lower().startswith(_OVER):
        kind, what, fix = _ENDED
    return kind(Sentence("{what}{said}.", what=what, said=said), fix=fix, error=code, error_description=words)


def _parsed(body: bytes) -> Any:
    """Not chained to what a parser says: it would quote the answer."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _not_keycloak(doing: Doing) -> Problem:
    return KeycloakUnavailable(
        Sentence("Something other than Keycloak answered, while {doing}.", doing=doing), fix=_STATUS
    )
