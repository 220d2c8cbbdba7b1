"""The providers whose accounts people may connect: our client at each, as the app and the MCP servers read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from common.production import address_fault, secret_fault
from common.secret_files import HoldsSecrets
from common.settings import CommonSettings
from fastmcp_vault.accounts.provider import (
    ATLASSIAN,
    AccountFacts,
    ClientAuthentication,
    Provider,
    Revocation,
    atlassian,
    github,
)


class ProviderEntry(BaseModel):
    """A further provider, found by its issuer's metadata (RFC 8414). :class:`Provider` says what each field means.

    ``account_url`` tells whose an access token is, in its fields ``account_id`` and ``account_name``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    issuer: str
    client_id: str
    client_secret: SecretStr
    account_url: str
    account_id: str = "sub"
    account_name: str = "email"
    authentication: ClientAuthentication = "client_secret_basic"
    revocation: Revocation = "rfc7009"
    scopes: tuple[str, ...] = ()
    write_scopes: tuple[str, ...] = ()
    manage_url: str = ""

    def provider(self, server: str) -> Provider:
        """For the MCP server of that name."""
        return Provider(
            name=server,
            title=self.title,
            client_id=self.client_id,
            client_secret=self.client_secret,
            issuer=self.issuer,
            account=AccountFacts(url=self.account_url, id=self.account_id, name=self.account_name),
            authentication=self.authentication,
            revocation=self.revocation,
            scopes=self.scopes,
            write_scopes=self.write_scopes,
            manage_url=self.manage_url,
        )

    def faults(self, server: str) -> list[str]:
        """What of it cannot be used outside the demo, a sentence each."""
        own = f"{server} in ACCOUNT_PROVIDERS"
        addresses = {"issuer": self.issuer, "account_url": self.account_url}
        found = [address_fault(f"the {name} of {own}", url) for name, url in addresses.items()]
        return [
            fault
            for fault in (*found, secret_fault(f"the client_secret of {own}", self.client_secret.get_secret_value()))
            if fault
        ]


class AccountSettings(CommonSettings):
    """Four settings each; without a client id nobody can connect an account there. A further provider is an entry of
    ``ACCOUNT_PROVIDERS``."""

    jira_oauth_client_id: str = Field("", description="Our client at Atlassian; empty: no accounts are connected.")
    jira_oauth_client_secret: SecretStr | None = Field(None, description="Its secret.")
    jira_oauth_url: str = Field(ATLASSIAN, description="Atlassian's sign-in, as browsers reach it.")
    jira_oauth_inside_url: str = Field("", description="The same as this process reaches it, where that differs.")
    jira_oauth_api_url: str = Field("https://api.atlassian.com", description="Where connected accounts are used.")
    github_oauth_client_id: str = Field("", description="Our GitHub App; empty: no accounts are connected.")
    github_oauth_client_secret: SecretStr | None = Field(None, description="Its secret.")
    github_oauth_url: str = Field("https://github.com", description="GitHub's sign-in, as browsers reach it.")
    github_oauth_inside_url: str = Field("", description="The same as this process reaches it, where that differs.")
    github_oauth_api_url: str = Field("https://api.github.com", description="GitHub's API.")

    account_providers: Annotated[dict[str, ProviderEntry], NoDecode, HoldsSecrets] = Field(
        {},
        description="Further providers, as JSON by the MCP server whose accounts they are; docs/ACCOUNTS.md has one.",
    )

    @field_validator("account_providers", mode="before")
    @classmethod
    def _entries(cls, value: object) -> object:
        """From JSON; empty for none."""
        return json.loads(value or "{}") if isinstance(value, str) else value

    @model_validator(mode="after")
    def _safe_providers(self) -> Self:
        entries: Mapping[str, ProviderEntry] = {} if self.profile == "demo" else self.account_providers
        found = [fault for server, entry in entries.items() for fault in entry.faults(server)]
        if found:
            raise ValueError("; ".join(f"PROFILE=production, but {fault}" for fault in found))
        return self

    def unused_fields(self) -> frozenset[str]:
        """Without a client there is nothing else to set."""
        names = [
            name.removesuffix("_client_id") for name in type(self).model_fields if name.endswith("_oauth_client_id")
        ]
        off = [name for name in names if not getattr(self, f"{name}_client_id")]
        return super().unused_fields() | {f"{name}_client_secret" for name in off}

    def providers(self) -> dict[str, Provider]:
        """By the name of the MCP server whose accounts they are."""
        found: dict[str, Provider] = {}
        if self.jira_oauth_client_id and self.jira_oauth_client_secret:
            found["jira"] = atlassian(
                name="jira",
                client_id=self.jira_oauth_client_id,
                client_secret=self.jira_oauth_client_secret,
                url=self.jira_oauth_url,
                inside_url=self.jira_oauth_inside_url,
                api_url=self.jira_oauth_api_url,
            )
        if self.github_oauth_client_id and self.github_oauth_client_secret:
            found["github"] = github(
                name="github",
                client_id=self.github_oauth_client_id,
                client_secret=self.github_oauth_client_secret,
                url=self.github_oauth_url,
                inside_url=self.github_oauth_inside_url,
                api_url=self.github_oauth_api_url,
            )
        return found | {server: entry.provider(server) for server, entry in self.account_providers.items()}
