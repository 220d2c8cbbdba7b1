"""The one table from what hvac raises, or chokes on, to errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from hvac import exceptions

from common.errors import (
    CredentialMissing,
    KeycloakUnavailable,
    Problem,
    VaultDenied,
    VaultError,
    VaultLoginRefused,
    VaultUnavailable,
)
from common.http import ResponseTooLarge
from common.masking import mask_text

_STATUS = "`./demo status` says whether Vault is up, `./demo logs vault` why not; then try again."
_INIT = "`./demo init` sets up what Vault needs."

_TABLE: dict[type[exceptions.VaultError], tuple[type[Problem], str, str]] = {
    exceptions.InvalidRequest: (VaultError, "Vault refused the request", _INIT),
    exceptions.Unauthorized: (VaultDenied, "Vault did not accept the token", "Sign in again."),
    exceptions.Forbidden: (
        VaultDenied,
        "Vault refused: no policy of the token allows it, or the token is gone",
        "Sign in again; if it stays, `./demo init` sets the policies.",
    ),
    exceptions.InvalidPath: (VaultError, "There is nothing at this path in Vault", _INIT),
    exceptions.RateLimitExceeded: (VaultUnavailable, "Vault's rate limit is reached", "Try again in a moment."),
    exceptions.InternalServerError: (VaultUnavailable, "Vault had an internal error", _STATUS),
    exceptions.VaultNotInitialized: (VaultUnavailable, "Vault is not initialized", "Run `./demo init`."),
    exceptions.BadGateway: (VaultUnavailable, "A part that Vault needs did not answer", _STATUS),
    exceptions.VaultDown: (VaultUnavailable, "Vault is sealed or standing by", "Unseal it, then try again."),
    exceptions.UnexpectedError: (VaultError, "Vault gave an unexpected answer", _STATUS),
}
"""hvac's exception, one per HTTP status (hvac/exceptions.py) → our error, what happened, what to do."""

_REFUSALS = (exceptions.InvalidRequest, exceptions.Unauthorized, exceptions.Forbidden, exceptions.InvalidPath)

_ABOUT_ONE_CALL = (exceptions.InternalServerError, exceptions.RateLimitExceeded)
"""Failures that others may well be spared: see :class:`common.circuit.Circuit`."""

_MISSHAPEN = (TypeError, ValueError, LookupError, AttributeError, RecursionError)
"""What hvac, or we, trip over when an answer does not have the shape of Vault's."""

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
        f"as role {role}",
        "The token must be meant for Vault (audience `vault`) and come from the client that the role is"
        " bound to (`azp`); `./demo init` sets the role.",
    )


APPROLE_WORDS = LoginWords(
    "with this role id and secret id",
    "Vault does not say which of the two it was: the role id may be wrong, the secret id wrong, expired or used up."
    " `./demo init` sets the role and hands out a fresh secret id.",
)


@contextmanager
def translated(
    doing: str, *, login: LoginWords | None = None, missing: CredentialMissing | None = None
) -> Iterator[None]:
    """Turn whatever a call to Vault raises inside the block into our error, with the cause chained.

    ``doing`` completes "…, while". ``login`` is how a refused login is told.
    ``missing`` is the error for a secret, or database role, that does not exist.
    """
    try:
        yield
    except exceptions.VaultError as error:
        raise _refusal(error, doing, login, missing) from error
    except (requests.RequestException, *_MISSHAPEN) as error:
        if isinstance(error, requests.RequestException) and not isinstance(error, requests.JSONDecodeError):
            raise _no_answer(error, doing) from error
        raise _not_vault(doing) from error


def of_a_token_that_is_gone(denied: VaultDenied) -> bool:
    """Whether Vault answered 403 because it does not know the token, and not because a policy forbids the call.

    Only its words tell: "permission denied" alone (OpenBao) or with "invalid token" (Vault) for a token that is
    gone, "1 error occurred: permission denied" for a policy.
    """
    cause = denied.__cause__
    words = " ".join(str(e) for e in getattr(cause, "errors", None) or ())
    return "invalid token" in words or "1 error occurred" not in words


def _refusal(
    error: exceptions.VaultError, doing: str, login: LoginWords | None, missing: CredentialMissing | None
) -> Problem:
    deleted = isinstance(error, exceptions.InvalidPath) and isinstance(error.json, dict) and "data" in error.json
    if error.errors is None and not deleted:
        # Vault always lists `errors`: whatever answered here stands in front of it, or in its place.
        return _not_vault(doing)
    words = " ".join(mask_text("; ".join(str(e) for e in error.errors or ())).split())[:WORDS]
    said = f": {words.rstrip('.')}" if words else ""
    by_words = _by_words(words, doing, said)
    if by_words is not None and (login is None or by_words.retryable):
        return by_words
    if login is not None and isinstance(error, _REFUSALS):
        return VaultLoginRefused(f"Vault refused the login {login.who}{said}.", fix=login.fix)
    if missing is not None and (isinstance(error, exceptions.InvalidPath) or "unknown role" in words):
        return missing
    kind, what, fix = _TABLE.get(type(error), (VaultError, "Vault refused", _STATUS))
    return kind(f"{what}, while {doing}{said}.", fix=fix, one_call=isinstance(error, _ABOUT_ONE_CALL))


def _by_words(words: str, doing: str, said: str) -> Problem | None:
    """What Vault's status does not tell, but its words do."""
    if "fetching keys" in words:
        return KeycloakUnavailable(
            f"Vault could not fetch Keycloak's signing keys, while {doing}.",
            fix="`./demo status` says whether Keycloak is up; try again.",
        )
    if "past the max TTL" in words:
        return VaultError(f"It cannot be renewed further, while {doing}{said}.", fix="Log in again, or make a new one.")
    if "Upgrading from non-versioned to versioned" in words:
        return VaultUnavailable(f"This secrets engine is just being made, while {doing}.", fix="Try again in a moment.")
    if "no handler for route" in words:
        return VaultError(
            f"Vault has no engine mounted there, while {doing}{said}.",
            fix=f"Enable the engine at that path (`bao secrets enable`). {_INIT}",
        )
    return None


def _not_vault(doing: str) -> Problem:
    return VaultUnavailable(f"Something other than Vault answered, while {doing}.", fix=_STATUS)


def _no_answer(error: requests.RequestException, doing: str) -> Problem:
    if isinstance(error, ResponseTooLarge):
        return VaultError(
            f"The answer is larger than {error.limit} bytes, while {doing}.",
            fix="Raise `max_response_size` if the secret is really that large.",
        )
    at = f" at {urlsplit(error.request.url or '').netloc}" if error.request is not None else ""
    how = "did not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
    return VaultUnavailable(f"Vault{at} {how}, while {doing}.", fix=_STATUS)
