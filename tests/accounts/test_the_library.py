"""`OAuthGrant` in a server of somebody's own: each caller's tool works with the account that they connected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastmcp import FastMCP
from fastmcp.dependencies import Depends
from fastmcp.utilities.tests import asgi_client

from benchmarks.accounts import provider_of
from fastmcp_vault import ConnectedAccount, Issuer, OAuthGrant, VaultAuth, VaultServer
from stack.testing import Stack
from tests.accounts.at_the_app import Browser
from tests.accounts.at_the_provider import nearly_over, stored
from tests.accounts.test_from_a_client import token_of
from tests.mcp_servers.callers import Vault


@pytest.fixture
def server(stack: Stack) -> FastMCP[Any]:
    """As the library's README has it, with an OAuthGrant."""
    auth = VaultAuth(
        issuer=Issuer(
            f"{stack.url('keycloak')}/realms/mcp-demo",
            client_id="mcp-jira",
            client_secret=stack.secrets["MCP_JIRA_CLIENT_SECRET"],
        ),
        vault=VaultServer(stack.url("openbao"), role="mcp-jira", audience="vault", scope="vault:login"),
        base_url="http://localhost",
        scopes=["mcp:jira"],
    )
    mcp: FastMCP[Any] = FastMCP("Jira", auth=auth, lifespan=auth.lifespan)
    account = auth.credential(OAuthGrant(provider_of(stack)))

    @mcp.tool
    async def whose_account(mine: ConnectedAccount = Depends(account)) -> str:
        """Tell whose account this server uses for you."""
        return f"{mine.account.name} {mine.refreshed_by}".strip()

    return mcp


async def test_a_tool_gets_the_account_that_its_caller_connected_and_nobody_elses(
    server: FastMCP[Any], new_browser: Callable[[], Browser], vault: Vault, stack: Stack
) -> None:
    mine, other = new_browser(), new_browser()
    mine.connect("jira")

    async def whose(browser: Browser) -> tuple[bool, str]:
        async with asgi_client(server, auth=token_of(stack, browser.person)) as client:
            answer = await client.call_tool("whose_account", {}, raise_on_error=False)
            return answer.is_error, "".join(block.text for block in answer.content if block.type == "text")

    assert await whose(mine) == (False, mine.person.email)
    failed, said = await whose(other)
    assert failed
    assert f"{other.person.username} has connected no Atlassian account" in said
    before = stored(vault, mine, "jira")
    nearly_over(vault, mine, "jira")
    failed, said = await whose(mine)
    assert (failed, said.startswith(f"{mine.person.email} ")) == (False, True), "refreshed, and by whom"
    assert stored(vault, mine, "jira")["refresh_token"] != before["refresh_token"]
