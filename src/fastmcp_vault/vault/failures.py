"""The one table from what Vault answers, or does not, to errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from fastmcp_vault.errors import (
    CredentialMissing,
    KeycloakUnavailable,
    Problem,
    VaultDenied,
    VaultError,
    VaultLoginRefused,
    VaultUnavailable,
)
from fastmcp_vault.http import ResponseTooLarge
from fastmcp_vault.masking import mask_text
from fastmcp_vault.sentences import Sentence

WORDS = 500
"""Characters of one of Vault's errors that are passed on."""

MOST_ERRORS = 10
"""Errors of one answer that are passed on."""

_STATUS = "Check that Vault is up; then try again."
_INIT = "Check what was set up in Vault for this."

_TABLE: dict[int, tuple[type[Problem], str, str]] = {
    400: (VaultError, "Vault refused the request", _INIT),
    401: (VaultDenied, "Vault did not accept the token", "Sign in again."),
    403: (
        VaultDenied,
        "Vault refused: no policy of the token allows it, or the token is gone",
        "Sign in again; if it stays, check the policies.",
    ),
    404: (VaultError, "There is nothing at this path in Vault", _INIT),
    429: (VaultUnavailable, "Vault's rate limit is reached", "Try again in a moment."),
    500: (VaultUnavailable, "Vault had an internal error", _STATUS),
    501: (VaultUnavailable, "Vault is not initialized", "An administrator initializes it."),
    502: (VaultUnavailable, "A part that Vault needs did not answer", _STATUS),
    503: (VaultUnavailable, "Vault is sealed or standing by", "Unseal it, then try again."),
}
"""Status (Vault API: HTTP status codes) → our error, what happened, what to do."""

_OTHER = (VaultError, "Vault gave an unexpected answer", _STATUS)

_REFUSALS = (400, 401, 403, 404)

_ABOUT_ONE_CALL = (429, 500)
"""Failures that others may well be spared: see :class:`fastmcp_vault.circuit.Circuit`."""

_MISSHAPEN = (TypeError, ValueError, LookupError, AttributeError, RecursionError)
"""What reading an answer trips over when it does not have the shape of Vault's."""

GOOD = range(200, 300)
"""Statuses of an answer that is no refusal."""

ANY = range(200, 600)
"""For sys/health, which tells the state of Vault by its status, and the rest in a body all the same."""

WORDS = 300
"""Characters kept of what Vault said."""


@dataclass(frozen=True, slots=True)
class LoginWords:
    """How a refused login is told: ``who`` completes "Vault refused the login …", ``fix`` says what to do."""

    who: str
    fix: str


def jwt_words(role: str) -> LoginWords:
    """For a login with a JWT."""
    return LoginWords(
        Sentence("as role {role}", role=role),
        "The token must be meant for Vault (audience `vault`) and come from the client that the role is"
        " bound to (`azp`).",
    )


APPROLE_WORDS = LoginWords(
    "with this role id and secret id",
    "Vault does not say which of the two it was: the role id may be wrong, the secret id wrong, expired or used up.",
)


class VaultRefusal(Exception):
    """An answer of Vault's that is none: ``errors`` as it lists them, None if it lists none."""

    def __init__(self, status: int, body: Any) -> None:
        said = body if isinstance(body, dict) else {}
        listed = said.get("errors")
        self.status = status
        self.errors: tuple[str, ...] | None = None
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            self.errors = tuple(mask_text(one, limit=WORDS) for one in listed[:MOST_ERRORS])
        self.of_a_deleted_secret = status == 404 and "data" in said
        super().__init__(f"HTTP {status}")


def understood(status: int, body: bytes, *, good: Container[int]) -> Any:
    """The JSON of an answer, None if it is empty. Raises Refusal for a status that is not ``good``; ValueError."""
    if status in good:
        return json.loads(body) if body else None
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    raise VaultRefusal(status, told)


@contextmanager
def translated(
    doing: str, *, at: str, login: LoginWords | None = None, missing: CredentialMissing | None = None
) -> Iterator[None]:
    """Turn whatever a call to Vault at ``at`` raises inside the block into our error, with the cause chained.

    ``doing`` completes "…, while". ``login`` is how a refused login is told.
    ``missing`` is the error for a secret, or database role, that does not exist.
    """
    try:
        yield
    except VaultRefusal as refusal:
        raise _refused(refusal, doing, login, missing) from refusal
    except httpx2.HTTPError as error:
        raise _no_answer(error, at, doing) from error
    except _MISSHAPEN as error:
        raise _not_vault(doing) from error


def of_a_token_that_is_gone(denied: VaultDenied) -> bool:
    """Whether Vault answered 403 because it does not know the token, and not because a policy forbids the call.

    Only its words tell: "permission denied" alone (OpenBao) or with "invalid token" (Vault) for a token that is
    gone, "1 error occurred: permission denied" for a policy.
    """
    cause = denied.__cause__
    words = " ".join(cause.errors or ()) if isinstance(cause, VaultRefusal) else ""
    return "invalid token" in words or "1 error occurred" not in words


def of_another_version(refused: VaultError) -> bool:
    """Whether a write was refused because another one came first (KV's check-and-set)."""
    return isinstance(refused.__cause__, VaultRefusal) and "check-and-set" in " ".join(refused.__cause__.errors or ())


def of_nothing_there(refused: VaultError) -> bool:
    """Whether Vault answered 404: there is nothing at the path, or nothing any more."""
    return isinstance(refused.__cause__, VaultRefusal) and refused.__cause__.status == 404


def _refused(refusal: VaultRefusal, doing: str, login: LoginWords | None, missing: CredentialMissing | None) -> Problem:
    if refusal.errors is None and not refusal.of_a_deleted_secret:
        # Vault always lists `errors`: whatever answered here stands in front of it, or in its place.
        return _not_vault(doing)
    words = " ".join("; ".join(refusal.errors or ()).split())[:WORDS]
    said = f": {words.rstrip('.')}" if words else ""
    by_words = _by_words(words, doing, said)
    if by_words is not None and (login is None or by_words.retryable):
        return by_words
    if login is not None and refusal.status in _REFUSALS:
        return VaultLoginRefused(
            Sentence("Vault refused the login {who}{said}.", who=login.who, said=said), fix=login.fix
        )
    if missing is not None and (refusal.status == 404 or "unknown role" in words):
        return missing
    kind, what, fix = _TABLE.get(refusal.status, _OTHER)
    return kind(
        Sentence("{what}, while {doing}{said}.", what=what, doing=doing, said=said),
        fix=fix,
        one_call=refusal.status in _ABOUT_ONE_CALL,
    )


def _by_words(words: str, doing: str, said: str) -> Problem | None:
    """What Vault's status does not tell, but its words do."""
    if "fetching keys" in words:
        return KeycloakUnavailable(
            Sentence("Vault could not fetch Keycloak's signing keys, while {doing}.", doing=doing),
            fix="Check that Keycloak is up; then try again.",
        )
    if "past the max TTL" in words:
        return VaultError(
            Sentence("It cannot be renewed further, while {doing}{said}.", doing=doing, said=said),
            fix="Log in again, or make a new one.",
        )
    if "Upgrading from non-versioned to versioned" in words:
        return VaultUnavailable(
            Sentence("This secrets engine is just being made, while {doing}.", doing=doing),
            fix="Try again in a moment.",
        )
    if "no handler for route" in words:
        return VaultError(
            Sentence("Vault has no engine mounted there, while {doing}{said}.", doing=doing, said=said),
            fix=Sentence("Enable the engine at that path. {init}", init=_INIT),
        )
    return None


def _not_vault(doing: str) -> Problem:
    return VaultUnavailable(Sentence("Something other than Vault answered, while {doing}.", doing=doing), fix=_STATUS)


def _no_answer(error: httpx2.HTTPError, at: str, doing: str) -> Problem:
    if isinstance(error, ResponseTooLarge):
        return VaultError(
            Sentence("The answer is larger than {limit} bytes, while {doing}.", limit=error.limit, doing=doing),
            fix="Raise `max_response_size` if the secret is really that large.",
        )
    how = "did not answer in time" if isinstance(error, httpx2.TimeoutException) else "cannot be reached"
    return VaultUnavailable(Sentence("Vault at {at} {how}, while {doing}.", at=at, how=how, doing=doing), fix=_STATUS)
