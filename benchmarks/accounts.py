"""Somebody whose Jira credential is an account that they connected, for calls to be compared with a stored one's."""

from __future__ import annotations

import asyncio
import html
import re
import time
from urllib.parse import parse_qs, urlsplit

import requests
from pydantic import SecretStr

from benchmarks.people import BenchPerson
from common.accounts import AccountSettings
from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.grant import AccountGrant
from fastmcp_vault.accounts.store import AccountStore
from fastmcp_vault.vault import Lease, Vault, VaultToken
from stack.testing import Stack

SERVER = "jira"


async def connect(stack: Stack, person: BenchPerson) -> None:
    """``person``'s Jira account connected as the app does it, and nothing stored: written as an administrator."""
    environment = {name.lower(): value for name, value in stack.environment(f"mcp-{SERVER}").items()}
    fields = {name: value for name, value in environment.items() if name.startswith(f"{SERVER}_oauth_")}
    settings = AccountSettings(**fields)  # type: ignore[arg-type]
    client, vault = ProviderClient(settings.providers()[SERVER]), Vault(stack.url("openbao"))
    lease = Lease("", 3600, issued_at=time.time(), renewable=False)
    login = VaultToken(SecretStr(stack.secrets["VAULT_TOKEN"]), "", lease, "", (), {})
    try:
        back = f"{stack.url('app')}/auth/connected/{SERVER}"
        asked = await client.request(redirect_uri=back, scopes=client.provider.wanted(writing=False))
        code = await asyncio.to_thread(_agreed, asked.url, person)
        tokens = await client.redeem(code=code, verifier=asked.verifier, redirect_uri=back)
        account = await client.account(tokens.access_token)
        grant = AccountGrant.of(tokens, account, provider=SERVER, at=time.time())
        await AccountStore(vault, provider=SERVER).write(login, person.username, grant)
        await vault.kv_remove(login.token, f"users/{person.username}/{SERVER}")
    finally:
        await client.close()
        await vault.close()


def _agreed(url: str, person: BenchPerson) -> str:
    """The authorization code after the provider's page was filled in and agreed to."""
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(url, timeout=30).text
        kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        form = {name: html.unescape(value) for name, value in kept.items()}
        form |= {"username": person.email, "password": person.password, "answer": "yes"}
        answer = browser.post(url.partition("?")[0], data=form, timeout=30, allow_redirects=False)
    return parse_qs(urlsplit(answer.headers.get("Location", "")).query)["code"][0]
