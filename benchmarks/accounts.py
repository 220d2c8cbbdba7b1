"""Accounts connected as the app connects them, without the app: for benchmarks, and for tests of what comes after."""

from __future__ import annotations

import asyncio
import html
import re
import time
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import requests
from pydantic import SecretStr

from common.accounts import AccountSettings
from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.grant import AccountGrant
from fastmcp_vault.accounts.provider import Provider
from fastmcp_vault.accounts.store import AccountStore
from fastmcp_vault.vault import Lease, Vault, VaultToken
from stack.testing import Stack

SERVER = "jira"


class AccountOwner(Protocol):
    """Somebody who can sign in at the mock providers."""

    @property
    def username(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def email(self) -> str: ...


def provider_of(stack: Stack, server: str = SERVER) -> Provider:
    """The provider as that MCP server knows it."""
    environment = {name.lower(): value for name, value in stack.environment(f"mcp-{server}").items()}
    fields = {name: value for name, value in environment.items() if name.startswith(f"{server}_oauth_")}
    return AccountSettings(**fields).providers()[server]  # type: ignore[arg-type]


def root(stack: Stack) -> VaultToken:
    """An administrator's token, where whose it is does not matter."""
    lease = Lease("", 3600, issued_at=time.time(), renewable=False)
    return VaultToken(SecretStr(stack.secrets["VAULT_TOKEN"]), "", lease, "", (), {})


async def connect(stack: Stack, person: AccountOwner) -> AccountGrant:
    """``person``'s Jira account connected as the app does it; written as an administrator."""
    client, vault = ProviderClient(provider_of(stack)), Vault(stack.url("openbao"))
    try:
        back = f"{stack.url('app')}/auth/connected/{SERVER}"
        asked = await client.request(redirect_uri=back, scopes=client.provider.wanted(writing=False))
        code = await asyncio.to_thread(_agreed, asked.url, person)
        tokens = await client.redeem(code=code, verifier=asked.verifier, redirect_uri=back)
        account = await client.account(tokens.access_token)
        grant = AccountGrant.of(tokens, account, provider=SERVER, at=time.time())
        await AccountStore(vault, provider=SERVER).write(root(stack), person.username, grant)
        return grant
    finally:
        await client.close()
        await vault.close()


def _agreed(url: str, person: AccountOwner) -> str:
    """The authorization code after the provider's page was filled in and agreed to."""
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(url, timeout=30).text
        kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        form = {name: html.unescape(value) for name, value in kept.items()}
        form |= {"username": person.email, "password": person.password, "answer": "yes"}
        answer = browser.post(url.partition("?")[0], data=form, timeout=30, allow_redirects=False)
    return parse_qs(urlsplit(answer.headers.get("Location", "")).query)["code"][0]
