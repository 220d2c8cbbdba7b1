"""One error hierarchy: each error says what happened, what to do, which part, and whether trying again helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

from fastmcp_vault.advice import advice
from fastmcp_vault.sentences import Sentence, masked, with_words

Part = Literal["settings", "input", "keycloak", "vault", "postgresql", "state", "mcp", "backend", "session", "stack"]


class Problem(Exception):
    """An error a person can act on.

    ``what`` is one sentence on what happened, ``fix`` one on what to do, each a
    :class:`~fastmcp_vault.sentences.Sentence` where values are filled in, so that another language can say it;
    a program may have its own words for ``fix`` (:mod:`fastmcp_vault.advice`).
    ``code`` is stable (programs and tests key on it); ``retryable`` says whether the same call may go through
    later. Neither sentence may hold a secret: raise with masked values only.
    """

    code: ClassVar[str] = "problem"
    part: ClassVar[Part] = "stack"
    retryable: ClassVar[bool] = False

    def __init__(self, what: str, *, fix: str = "", **detail: Any) -> None:
        self.what = what
        self.fix = advice(fix)
        self.detail = detail
        super().__init__(f"{what} {self.fix}".strip())

    def as_dict(self, mask: Callable[[str], str] = str) -> dict[str, Any]:
        """A JSON-ready form for ``_meta``, HTTP bodies and pages, each text masked by ``mask``.

        ``words`` holds what another language needs of the sentences that have values, ``provider`` whose account the
        person may connect to help it.
        """
        what, fix = masked(self.what, mask), masked(self.fix, mask)
        return {
            "code": self.code,
            "part": self.part,
            "what": str(what),
            "fix": str(fix),
            "retryable": self.retryable,
            **({"provider": str(self.detail["provider"])} if "provider" in self.detail else {}),
            **with_words(what=what, fix=fix),
        }


def sentences_of(form: Mapping[str, Any]) -> tuple[str, str]:
    """What happened and what to do, from what :meth:`Problem.as_dict` wrote in another process."""
    words = form.get("words")
    words = words if isinstance(words, Mapping) else {}
    what, fix = str(form.get("what") or ""), str(form.get("fix") or "")
    return Sentence.read(what, words.get("what")), Sentence.read(fix, words.get("fix"))


class ConfigError(Problem):
    """A setting is missing, unsafe for the profile, or contradicts another."""

    code, part = "config", "settings"


class InputError(Problem):
    """The caller's input cannot be used."""

    code, part = "input", "input"


class NotReady(Problem):
    """A service or a step of the stack did not come up."""

    code, part, retryable = "not_ready", "stack", True


class KeycloakUnavailable(Problem):
    """Keycloak did not answer, or answered with a server error."""

    code, part, retryable = "keycloak_unavailable", "keycloak", True


class KeycloakRefused(Problem):
    """Keycloak refused an administrative request."""

    code, part = "keycloak_refused", "keycloak"


class LoginFailed(Problem):
    """The sign-in could not be completed (refused, cancelled, or its state did not match)."""

    code, part = "login_failed", "keycloak"


class SessionEnded(Problem):
    """The Keycloak session is over: sign in again."""

    code, part = "session_ended", "session"


def session_ended() -> SessionEnded:
    """The refusal of a token whose session is over."""
    return SessionEnded("This session has ended.", fix="Sign in again.")


class TokenInvalid(Problem):
    """A JWT failed validation (RFC 7519 §7.2, RFC 9068 §4)."""

    code, part = "token_invalid", "keycloak"


class ExchangeRefused(Problem):
    """Keycloak refused a token exchange (RFC 8693 §2.2.2)."""

    code, part = "exchange_refused", "keycloak"


class VaultUnavailable(Problem):
    """Vault did not answer, is sealed, or answered with a server error."""

    code, part, retryable = "vault_unavailable", "vault", True


class VaultDenied(Problem):
    """Vault answered 403: no policy of this token allows the path, or the token is gone."""

    code, part = "vault_denied", "vault"


class VaultLoginRefused(Problem):
    """Vault refused the login: role, audience, ``azp`` or issuer does not match."""

    code, part = "vault_login_refused", "vault"


class VaultError(Problem):
    """Any other refusal by Vault."""

    code, part = "vault_error", "vault"


class VersionChanged(VaultError):
    """A secret was not written, because somebody else wrote a newer version of it first."""

    code = "version_changed"


class CredentialMissing(Problem):
    """This person has no credential for this server."""

    code, part = "credential_missing", "vault"


class AccountEnded(CredentialMissing):
    """The person's connection to a provider is over: it is not honoured any more, and must be made anew."""

    code = "account_ended"


class PersonUnknown(CredentialMissing):
    """Vault has no entity for this person: init never made one, so nothing is theirs."""

    code = "person_unknown"


class StateUnavailable(Problem):
    """The shared state (``mcp_state``) cannot be read: servers refuse rather than guess."""

    code, part, retryable = "state_unavailable", "state", True


class ServerSuspended(Problem):
    """An administrator has stopped this MCP server for everybody."""

    code, part = "server_suspended", "state"


class AccessSuspended(Problem):
    """An administrator has suspended whoever calls: signing in again does not help."""

    part = "state"


class PersonSuspended(AccessSuspended):
    """An administrator has suspended this person, everywhere."""

    code = "person_suspended"


class ClientSuspended(AccessSuspended):
    """An administrator has suspended the client (``azp``) that the person calls with, for everybody."""

    code = "client_suspended"


class RateLimited(Problem):
    """A person, a client or a tool has as many calls as it may (IETF draft-ietf-httpapi-ratelimit-headers).

    ``retry_after``: seconds; ``policy``: whose calls are counted, how many they are, and in how many seconds.
    """

    code, part, retryable = "rate_limited", "mcp", True

    def __init__(self, what: str, *, fix: str, retry_after: int, policy: tuple[str, int, int] | None = None) -> None:
        self.retry_after, self.policy = retry_after, policy
        super().__init__(what, fix=fix)


class BackendUnavailable(Problem):
    """The Jira or GitHub API, or the tools' database, did not answer."""

    code, part, retryable = "backend_unavailable", "backend", True


class BackendRefused(Problem):
    """The Jira or GitHub API, or the tools' database, refused the call."""

    code, part = "backend_refused", "backend"


class ServerUnavailable(Problem):
    """An MCP server did not answer."""

    code, part, retryable = "mcp_unavailable", "mcp", True


class ToolRefused(Problem):
    """An MCP server answered with an error of its own."""

    code, part = "tool_refused", "mcp"
