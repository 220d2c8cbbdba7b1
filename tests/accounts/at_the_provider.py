"""A connection as its provider sees it: what its tokens open there, and its end by the person's own hand."""

from __future__ import annotations

import json
import time

import requests
from pydantic import SecretStr

from benchmarks.accounts import provider_of
from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.errors import ProviderRefused
from stack.testing import Stack
from tests.accounts.at_the_app import Browser
from tests.mcp_servers.callers import Vault

CALL = {"jira": ("get_issue", {"issue_key": "PROJ-1"}), "github": ("list_repos", {})}
MANAGE = {"jira": "/manage-profile/apps", "github": "/settings/apps/authorizations"}


def stored(vault: Vault, browser: Browser, server: str) -> dict[str, str]:
    """The fields of the connection in Vault."""
    path = f"secret/data/users/{browser.person.username}/accounts/{server}"
    return dict(vault.request("GET", path)["data"]["data"])


def api(stack: Stack, server: str, secrets: dict[str, str]) -> int:
    """What the provider's API answers to the access token."""
    bearer = {"Authorization": f"Bearer {secrets['access_token']}", "User-Agent": "test"}
    if server == "github":
        return requests.get(f"{stack.url('mock-github')}/user", headers=bearer, timeout=10).status_code
    site = json.loads(secrets["grant"])["account"]["resource"]
    url = f"{stack.url('mock-jira')}/ex/jira/{site}/rest/api/3/myself"
    return requests.get(url, headers=bearer, timeout=10).status_code


async def refreshes(stack: Stack, server: str, secrets: dict[str, str]) -> bool:
    """Whether the provider still takes the refresh token."""
    client = ProviderClient(provider_of(stack, server))
    try:
        await client.refresh(SecretStr(secrets["refresh_token"]))
    except ProviderRefused:
        return False
    finally:
        await client.close()
    return True


def nearly_over(vault: Vault, browser: Browser, server: str) -> None:
    """The connection as it is half a minute before its access token ends."""
    path = f"secret/data/users/{browser.person.username}/accounts/{server}"
    held = stored(vault, browser, server)
    grant = json.loads(held["grant"]) | {"connected_at": time.time() - 3600, "refreshed_at": 0.0}
    grant["expires_at"] = time.time() + 30
    vault.request("POST", path, {"data": held | {"grant": json.dumps(grant)}})


def revoke_at_the_provider(stack: Stack, browser: Browser, server: str) -> None:
    """What the person does on the provider's own page."""
    who = {"username": browser.person.email, "password": browser.person.password}
    url = f"{stack.url(f'mock-{server}')}{MANAGE[server]}"
    assert "MCP Remote Vault" in requests.post(url, data=who, timeout=10).text
    ended = requests.post(url, data={**who, "end": provider_of(stack, server).client_id}, timeout=10)
    assert "you have let no program in" in ended.text
