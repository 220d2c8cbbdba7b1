"""Refusals as OAuth has them: an error code, what names the cause, and an HTTP status."""

from __future__ import annotations

from typing import ClassVar

from fastmcp_vault.errors import Problem


class OAuthError(Problem):
    """A refusal in the form of RFC 6749 §5.2 and RFC 6750 §3.1: ``{"error", "error_description"}``."""

    code, part = "oauth", "input"
    status: ClassVar[int] = 400
    error: ClassVar[str] = "invalid_request"


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated or not usable (RFC 6749 §5.2)."""


class InvalidClient(OAuthError):
    """The client is not authenticated: no certificate, or not one that is good (RFC 6749 §5.2, RFC 8705 §2)."""

    code, status, error = "invalid_client", 401, "invalid_client"


class InvalidScope(OAuthError):
    """A scope is unknown, or more than the certificate allows (RFC 6749 §5.2)."""

    code, error = "invalid_scope", "invalid_scope"


class UnsupportedGrantType(OAuthError):
    """Only ``client_credentials`` (RFC 6749 §4.4)."""

    code, error = "unsupported_grant_type", "unsupported_grant_type"


class UnauthorizedClient(OAuthError):
    """The token was issued to another client (RFC 7009 §2.1)."""

    code, error = "unauthorized_client", "unauthorized_client"


class MissingToken(OAuthError):
    """No bearer token was sent (RFC 6750 §3.1)."""

    code, status, error = "missing_token", 401, "missing_token"


class InvalidToken(OAuthError):
    """A token that cannot be accepted; ``what`` is the cause as one word (``token_expired``, …)."""

    code, status, error = "invalid_token", 401, "invalid_token"


class AgentScopeInsufficient(OAuthError):
    """The token lacks a scope (RFC 6750 §3.1)."""

    code, status, error = "insufficient_scope", 403, "insufficient_scope"


class AgentSuspended(OAuthError):
    """An administrator has suspended the agent, or the person that it belongs to."""

    code, status, error = "agent_suspended", 403, "access_denied"


class UnknownCommand(OAuthError):
    """There is no such command for this agent."""

    code, status, error = "unknown_command", 404, "unknown_command"


class AlreadyFinished(OAuthError):
    """The command was reported on before."""

    code, status, error = "already_finished", 409, "already_finished"


class QueueFull(OAuthError):
    """The agent has more to do than is kept for it."""

    code, status, error = "queue_full", 429, "queue_full"


class Unavailable(OAuthError):
    """A part that must be asked does not answer, so the request is refused."""

    code, retryable = "temporarily_unavailable", True
    status, error = 503, "temporarily_unavailable"
