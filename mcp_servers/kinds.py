"""The servers there are: for each its settings, and how its kind is made of them. A new server is one more line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastmcp_vault.credentials.sources import DatabaseSource, KVSource
from fastmcp_vault.vault import Vault
from mcp_servers import github, github_api, github_offers, jira, jira_api, jira_offers, postgres, postgres_offers
from mcp_servers.database import Gateway
from mcp_servers.kind import Kind
from mcp_servers.proxies import proxy_for
from mcp_servers.rest import Rest
from mcp_servers.settings import GithubSettings, JiraSettings, PostgresSettings, ServerSettings


def jira_kind(settings: JiraSettings, vault: Vault) -> Kind:
    """Jira, by its REST API, with a secret out of KV."""
    rest = Rest(
        settings.jira_url,
        server="jira",
        name="Jira",
        timeout=settings.backend_timeout,
        words=jira_api.words,
        proxy=proxy_for(settings.jira_url, settings.backend_proxy),
        site_url=settings.jira_site_url,
    )
    source = KVSource(vault, server="jira", title="Jira", needs=jira_api.NEEDS)
    return Kind(jira.TOOLS, rest, source, jira_offers.OFFERS)


def github_kind(settings: GithubSettings, vault: Vault) -> Kind:
    """GitHub, by its REST API, with a secret out of KV."""
    rest = Rest(
        settings.github_api_url,
        server="github",
        name="GitHub",
        timeout=settings.backend_timeout,
        words=github_api.words,
        proxy=proxy_for(settings.github_api_url, settings.backend_proxy),
    )
    source = KVSource(vault, server="github", title="GitHub", needs=github_api.NEEDS)
    return Kind(github.TOOLS, rest, source, github_offers.OFFERS)


def postgres_kind(settings: PostgresSettings, vault: Vault) -> Kind:
    """PostgreSQL, with a database user that Vault makes."""
    gateway = Gateway(settings)
    return Kind(postgres.TOOLS, gateway, DatabaseSource(vault, connect=gateway.connect), postgres_offers.OFFERS)


KINDS: dict[type[ServerSettings], Callable[[Any, Vault], Kind]] = {
    JiraSettings: jira_kind,
    GithubSettings: github_kind,
    PostgresSettings: postgres_kind,
}

SETTINGS = {settings.server: settings for settings in KINDS}
"""Settings class by server name."""
