"""What keeps a person's account at a provider from being used, each with what to do."""

from __future__ import annotations

from fastmcp_vault.errors import AccountEnded, CredentialMissing, Problem
from fastmcp_vault.sentences import Sentence


class NoAccount(CredentialMissing):
    """Nothing is stored for this person, and they have connected no account."""


class ScopeMissing(CredentialMissing):
    """The person connected their account for less than this tool needs."""

    code = "account_scope"


class ProviderRefused(Problem):
    """The provider refused: the person, or our client there."""

    code, part = "provider_refused", "backend"


class ProviderUnavailable(Problem):
    """The provider did not answer, or erred."""

    code, part, retryable = "provider_unavailable", "backend", True


def account_ended(title: str, *, entity: str, path: str, provider: str) -> AccountEnded:
    """The refusal of a call with a connection that the provider ended."""
    return AccountEnded(
        Sentence("{title} does not honour {entity}'s connection any more.", title=title, entity=entity),
        fix="Connect the account again, on the app's page My secrets.",
        entity=entity,
        path=path,
        provider=provider,
    )
