"""What goes wrong at the relay: the four errors of its contract and a few more, each with its code and status."""

from __future__ import annotations

from typing import ClassVar

from fastmcp_vault.errors import Part, Problem

AGAIN = "Ask the chatbot for a new link."


class RelayProblem(Problem):
    """An error that the relay answers with; ``status`` is the HTTP status."""

    code = "relay_error"
    part: ClassVar[Part] = "input"
    status: ClassVar[int] = 400


class UnknownClientKey(RelayProblem):
    """No client is registered under this key."""

    code = "unknown_client_key"


class InvalidOrExpiredState(RelayProblem):
    """The link or the sign-in is unknown, expired, used, altered, or another browser's."""

    code = "invalid_or_expired_state"


class CallbackFailed(RelayProblem):
    """The chatbot did not take the tokens."""

    code, part, status, retryable = "callback_failed", "backend", 502, True


class NoOfflineRefreshToken(RelayProblem):
    """Keycloak gave no offline token."""

    code, part = "no_offline_refresh_token", "keycloak"


class NotAllowed(RelayProblem):
    """An address is not on the client's list."""

    code = "address_not_allowed"


class NotSigned(RelayProblem):
    """A program's request is not signed with its client's secret, too old, or was sent before."""

    code, status = "invalid_signature", 401


class TooManyLinks(RelayProblem):
    """As many links as may be had without a signature are open."""

    code, status, retryable = "too_many_links", 429, True


class WrongCode(RelayProblem):
    """The code typed is not the one that the chat shows."""

    code, status = "wrong_code", 403


class StoreUnavailable(RelayProblem):
    """The folder of sign-ins under way cannot be read or written."""

    code, part, status, retryable = "store_unavailable", "state", 503, True
