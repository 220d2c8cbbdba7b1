"""The one table from what hvac raises, or chokes on, to errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from common.masking import mask_text

_START = "`./demo status` says whether Vault is up; `./demo logs vault` says why not."

_TABLE: tuple[tuple[type[exceptions.VaultError], type[Problem], str, str], ...] = (
    (exceptions.VaultDown, VaultUnavailable, "Vault is sealed or standing by.", "Unseal it, then try again."),
    (exceptions.VaultNotInitialized, VaultUnavailable, "Vault is not initialized.", "Run `./demo init`."),
    (exceptions.RateLimitExceeded, VaultUnavailable, "Vault's rate limit is reached.", "Try again in a moment."),
    (exceptions.InternalServerError, VaultUnavailable, "Vault had an internal error.", _START),
    (exceptions.BadGateway, VaultUnavailable, "A part that Vault needs did not answer.", _START),
    (
        exceptions.Forbidden,
        VaultDenied,
        "Vault refused this: no policy of the token allows it, or the token is gone.",
        "Sign in again; if it stays, `./demo init` sets the policies.",
    ),
    (exceptions.Unauthorized, VaultDenied, "Vault did not accept the token.", "Sign in again."),
    (
        exceptions.InvalidPath,
        CredentialMissing,
        "There is nothing at this path in Vault.",
        "An administrator adds it there, or in `init/users.yaml` followed by `./demo init`.",
    ),
    (exceptions.InvalidRequest, VaultError, "Vault refused the request.", "`./demo init` sets what Vault needs."),
    (exceptions.UnexpectedError, VaultError, "Vault gave an unexpected answer.", "`./demo logs vault` may say why."),
)
"""hvac's exception (one per HTTP status, hvac/exceptions.py) → our error, what happened, what to do."""

_NOT_VAULT = (TypeError, ValueError, KeyError, AttributeError, LookupError)
"""What hvac, or we, trip over when the answer does not have the shape of Vault's."""


def from_hvac(error: Exception, *, doing: str) -> Problem:
    """Our error for what one call to Vault raised; ``doing`` completes "While …"."""
    if isinstance(error, requests.RequestException):
        return _no_answer(error, doing)
    if not isinstance(error, exceptions.VaultError):
        return VaultUnavailable(f"While {doing}: the answer was not one that Vault gives.", fix=_START)
    deleted = isinstance(error, exceptions.InvalidPath) and isinstance(error.json, dict) and "data" in error.json
    if error.errors is None and not deleted:
        # Vault always lists `errors`: whatever answered here stands in front of it, or in its place.
        status = f" ({type(error).__name__})"
        return VaultUnavailable(f"While {doing}: something other than Vault answered{status}.", fix=_START)
    words = mask_text("; ".join(str(e) for e in error.errors or ())).strip()
    if "fetching keys" in words or "error performing keys request" in words:
        return KeycloakUnavailable(
            f"While {doing}: Vault could not fetch Keycloak's signing keys.",
            fix="`./demo status` says whether Keycloak is up; try again.",
        )
    for kind, problem, what, fix in _TABLE:
        if isinstance(error, kind):
            return problem(f"While {doing}: {what}{_said(words)}", fix=fix)
    return VaultError(f"While {doing}: Vault refused.{_said(words)}", fix=_START)


def login_refused(problem: Problem, *, role: str) -> Problem:
    """A refusal during a login is about the login: role, audience, issuer or ``azp``."""
    if isinstance(problem, VaultError | VaultDenied | CredentialMissing):
        return VaultLoginRefused(
            problem.what,
            fix=f"The token must be meant for Vault (audience `vault`) and come from the server that role `{role}`"
            " is bound to (`azp`); `./demo init` sets the role.",
        )
    return problem


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn whatever a call to Vault raises inside the block into our error, with the cause chained."""
    try:
        yield
    except (exceptions.VaultError, requests.RequestException, *_NOT_VAULT) as error:
        raise from_hvac(error, doing=doing) from error


def _no_answer(error: requests.RequestException, doing: str) -> Problem:
    where = urlsplit(error.request.url or "").netloc if error.request is not None else ""
    at = f" at {where}" if where else ""
    if isinstance(error, requests.Timeout):
        return VaultUnavailable(f"While {doing}: Vault{at} did not answer in time.", fix=_START)
    return VaultUnavailable(f"While {doing}: Vault{at} cannot be reached.", fix=_START)


def _said(words: str) -> str:
    return f" It said: {words}" if words else ""
