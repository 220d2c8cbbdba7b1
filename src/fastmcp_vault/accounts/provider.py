"""An OAuth provider, as data: its addresses, our client there, the scopes to ask for, and how it tells whose account.

Providers differ in little; a further one is an entry, not code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import SecretStr

ClientAuthentication = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
"""How our client proves itself at the token endpoint (OpenID Connect Core §9). For ``private_key_jwt`` the provider's
``client_secret`` is an RSA private key (PEM)."""

ATLASSIAN = "https://auth.atlassian.com"
"""Where people sign in to Atlassian; what they let in is at another host of its."""

Revocation = Literal["rfc7009", "github", ""]
"""How a grant is ended: RFC 7009; GitHub's ``DELETE /applications/:client_id/grant``; or not at all by a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEndpoints:
    """The provider's addresses (RFC 8414 §2). ``authorization``: as browsers reach it, the others as this process does.

    ``issuer``: what ``iss`` in the answer to the authorization request must be (RFC 9207); "" where it sends none.
    """

    authorization: str
    token: str
    revocation: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """Where the provider tells whose an access token is (GET, JSON), and the names of the id and of the name there.

    ``resources``: where it lists what the token opens, for APIs at an address of each customer's own (Atlassian).
    """

    url: str
    id: str = "id"
    name: str = "login"
    resources: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider and our client there. ``name`` is a part of Vault's path, ``title`` is for people.

    ``endpoints`` are read from ``issuer``'s metadata unless given (RFC 8414 §3). ``scopes`` are asked for at first,
    ``write_scopes`` too once a tool needs them; ``separator`` stands between two. ``parameters``: further ones of the
    authorization request. ``manage_url``: where a person sees, and ends, what they granted.
    """

    name: str
    title: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    account: AccountFacts
    endpoints: ProviderEndpoints | None = None
    issuer: str = ""
    authentication: ClientAuthentication = "client_secret_basic"
    revocation: Revocation = "rfc7009"
    scopes: tuple[str, ...] = ()
    write_scopes: tuple[str, ...] = ()
    separator: str = " "
    parameters: Mapping[str, str] = field(default_factory=dict)
    manage_url: str = ""

    def wanted(self, *, writing: bool) -> tuple[str, ...]:
        """The scopes to ask for."""
        return (*self.scopes, *self.write_scopes) if writing else self.scopes


def github(
    *,
    name: str,
    client_id: str,
    client_secret: SecretStr,
    url: str = "https://github.com",
    inside_url: str = "",
    api_url: str = "https://api.github.com",
) -> Provider:
    """GitHub, for the user tokens of a GitHub App: what they may do is the App's permissions, so there are no scopes.

    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app. ``inside_url``: ``url`` as
    this process reaches it, where that differs.
    """
    inside = (inside_url or url).rstrip("/")
    return Provider(
        name=name,
        title="GitHub",
        client_id=client_id,
        client_secret=client_secret,
        endpoints=ProviderEndpoints(
            authorization=f"{url.rstrip('/')}/login/oauth/authorize",
            token=f"{inside}/login/oauth/access_token",
            revocation=f"{api_url.rstrip('/')}/applications/{client_id}/grant",
        ),
        authentication="client_secret_post",
        revocation="github",
        account=AccountFacts(url=f"{api_url.rstrip('/')}/user"),
        manage_url=f"{url.rstrip('/')}/settings/apps/authorizations",
    )


def atlassian(
    *,
    name: str,
    client_id: str,
    client_secret: SecretStr,
    url: str = ATLASSIAN,
    inside_url: str = "",
    api_url: str = "https://api.atlassian.com",
) -> Provider:
    """Atlassian's OAuth 2.0 (3LO) for Jira Cloud: https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/.

    ``inside_url``: ``url`` as this process reaches it, where that differs.
    """
    inside, api = (inside_url or url).rstrip("/"), api_url.rstrip("/")
    home = "https://id.atlassian.com" if url.rstrip("/") == ATLASSIAN else url.rstrip("/")
    return Provider(
        name=name,
        title="Atlassian",
        client_id=client_id,
        client_secret=client_secret,
        endpoints=ProviderEndpoints(
            authorization=f"{url.rstrip('/')}/authorize",
            token=f"{inside}/oauth/token",
            revocation=f"{inside}/oauth/revoke",
        ),
        authentication="client_secret_post",
        scopes=("read:jira-work", "read:me", "offline_access"),
        write_scopes=("write:jira-work",),
        parameters={"audience": "api.atlassian.com", "prompt": "consent"},
        account=AccountFacts(
            url=f"{api}/me", id="account_id", name="email", resources=f"{api}/oauth/token/accessible-resources"
        ),
        manage_url=f"{home}/manage-profile/apps",
    )
