"""The providers whose accounts people may connect: our client at each, as the app and the MCP servers read it."""

from __future__ import annotations

from pydantic import Field, SecretStr

from common.settings import CommonSettings
from fastmcp_vault.accounts.provider import Provider, atlassian, github


class AccountSettings(CommonSettings):
    """Four settings each; without a client id nobody can connect an account there. A further provider is an entry."""

    jira_oauth_client_id: str = Field("", description="Our client at Atlassian; empty: no accounts are connected.")
    jira_oauth_client_secret: SecretStr | None = Field(None, description="Its secret.")
    jira_oauth_url: str = Field("https://auth.atlassian.com", description="Atlassian's sign-in, as browsers reach it.")
    jira_oauth_inside_url: str = Field("", description="The same as this process reaches it, where that differs.")
    jira_oauth_api_url: str = Field("https://api.atlassian.com", description="Where connected accounts are used.")
    jira_oauth_manage_url: str = Field(
        "https://id.atlassian.com/manage-profile/apps", description="Where people see what they let in."
    )
    github_oauth_client_id: str = Field("", description="Our GitHub App; empty: no accounts are connected.")
    github_oauth_client_secret: SecretStr | None = Field(None, description="Its secret.")
    github_oauth_url: str = Field("https://github.com", description="GitHub's sign-in, as browsers reach it.")
    github_oauth_inside_url: str = Field("", description="The same as this process reaches it, where that differs.")
    github_oauth_api_url: str = Field("https://api.github.com", description="GitHub's API.")

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
                manage_url=self.jira_oauth_manage_url,
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
        return found
