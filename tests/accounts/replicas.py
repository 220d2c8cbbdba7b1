"""One person's connection as replicas of a server refresh it: real Vault, real shared state, the real mock provider."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx2
import requests
from pydantic import SecretStr

from benchmarks.accounts import provider_of, root
from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.grant import AccountGrant
from fastmcp_vault.accounts.provider import Provider
from fastmcp_vault.accounts.refresh import Refresher
from fastmcp_vault.accounts.store import AccountStore
from fastmcp_vault.state import State
from fastmcp_vault.vault import Vault, VaultToken
from stack.testing import Stack

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


def opens(stack: Stack, grant: AccountGrant) -> bool:
    """Whether the access token opens the API."""
    url = f"{stack.url('mock-jira')}/ex/jira/{grant.account.resource}/rest/api/3/myself"
    bearer = {"Authorization": f"Bearer {grant.access_token.get_secret_value()}"}
    return requests.get(url, headers=bearer, timeout=10).status_code == 200
