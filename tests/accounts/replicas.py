"""One person's connection as replicas of a server refresh it: real Vault, real shared state, the real mock provider."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx2
import requests
from pydantic import SecretStr

from common.accounts import AccountSettings
from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.grant import AccountGrant
from fastmcp_vault.accounts.provider import Provider
from fastmcp_vault.accounts.refresh import Refresher
from fastmcp_vault.accounts.store import AccountStore
from fastmcp_vault.state import State
from fastmcp_vault.vault import Lease, Vault, VaultToken
from stack.testing import Stack
from tests.accounts.at_the_app import query_of
from tests.support.login import Page
from tests.support.people import Person

LATER = 3590.0
"""Seconds by which these replicas' clock is ahead: Atlassian's access token, which lives an hour, is due."""


def later() -> float:
    """The replicas' clock."""
    return time.time() + LATER


@dataclass
class Replica:
    """One of them: its refresher, and what it is made of."""

    refresher: Refresher
    store: AccountStore
    client: ProviderClient
    login: VaultToken


def provider_of(stack: Stack, server: str = "jira") -> Provider:
    """The provider as that MCP server knows it."""
    environment = {name.lower(): value for name, value in stack.environment(f"mcp-{server}").items()}
    fields = {name: value for name, value in environment.items() if name.startswith(f"{server}_oauth_")}
    return AccountSettings(**fields).providers()[server]  # type: ignore[arg-type]


@asynccontextmanager
async def replica(
    stack: Stack,
    *,
    provider: Provider | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = later,
    turn: float = 10.0,
) -> AsyncIterator[Replica]:
    """A replica of the Jira server, as far as connections go."""
    environment = stack.environment("mcp-jira")
    async with AsyncExitStack() as opened:
        state = await opened.enter_async_context(State(SecretStr(environment["STATE_DSN"])))
        vault = Vault(stack.url("openbao"), transport=transport, timeout=20)
        opened.push_async_callback(vault.close)
        store = AccountStore(vault, provider="jira")
        client = ProviderClient(provider or provider_of(stack), transport=transport, clock=clock)
        opened.push_async_callback(client.close)
        refresher = Refresher(store, client, state, server="jira", replica="r", clock=clock, turn=turn)
        opened.push_async_callback(refresher.close)
        yield Replica(refresher, store, client, root(stack))


def root(stack: Stack) -> VaultToken:
    """An administrator's token, where whose it is does not matter."""
    lease = Lease("", 3600, issued_at=time.time(), renewable=False)
    return VaultToken(SecretStr(stack.secrets["VAULT_TOKEN"]), "", lease, "", (), {})


async def connect(stack: Stack, person: Person) -> AccountGrant:
    """What the app does when ``person`` connects Jira, without the app."""
    address = f"{stack.url('app')}/auth/connected/jira"
    async with replica(stack, clock=time.time) as made:
        scopes = made.client.provider.wanted(writing=False)
        asked = await made.client.request(redirect_uri=address, scopes=scopes)
        code = query_of(await asyncio.to_thread(_agreed, asked.url, person))["code"]
        tokens = await made.client.redeem(code=code, verifier=asked.verifier, redirect_uri=address)
        account = await made.client.account(tokens.access_token)
        grant = AccountGrant.of(tokens, account, provider="jira", at=time.time())
        await made.store.write(made.login, person.username, grant)
        return grant


def opens(stack: Stack, grant: AccountGrant) -> bool:
    """Whether the access token opens the API."""
    url = f"{stack.url('mock-jira')}/ex/jira/{grant.account.resource}/rest/api/3/myself"
    bearer = {"Authorization": f"Bearer {grant.access_token.get_secret_value()}"}
    return requests.get(url, headers=bearer, timeout=10).status_code == 200


def _agreed(url: str, person: Person) -> str:
    page = Page()
    page.feed(requests.get(url, timeout=10).text)
    form = {**page.hidden, "username": person.email, "password": person.password, "answer": "yes"}
    answer = requests.post(urljoin(url, page.action), data=form, timeout=10, allow_redirects=False)
    return str(answer.headers["Location"])
