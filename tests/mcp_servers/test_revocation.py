"""A session that ends takes its Vault tokens, leases and database roles with it, on every replica."""

from __future__ import annotations

import asyncio
import time

import pytest

from stack.testing import Stack
from tests.mcp_servers.callers import Caller, Vault, database_roles, post
from tests.mcp_servers.serving import replica
from tests.support.eventually import eventually
from tests.support.login import end_at_keycloak

BOUND = 2.0
ALLOWED = 10 * BOUND


@pytest.mark.parametrize("how", ["an administrator ends it at Keycloak", "the person signs out"])
async def test_the_end_of_a_session_reaches_every_replica(caller: Caller, vault: Vault, stack: Stack, how: str) -> None:
    name = caller.person.username
    async with replica(stack, "postgres") as second:
        token = await caller.token("postgres")
        for at in ("", second.url):
            assert not (await caller.call("postgres", "query", {"sql": "SELECT 1"}, at=at)).is_error
        assert len(vault.tokens(caller, "postgres")) == len(database_roles(stack, name)) == 2

        began = time.monotonic()
        if how.startswith("an administrator"):
            await asyncio.to_thread(end_at_keycloak, stack, caller.person)
        else:
            await caller.sign_out()
        await eventually(lambda: not database_roles(stack, name), within=ALLOWED)
        await eventually(lambda: not vault.tokens(caller, "postgres"), within=ALLOWED)
        assert time.monotonic() - began < ALLOWED
        for at in ("", second.url):
            refused = await post(stack, "postgres", token, at=at)
            assert refused.status_code == 401
            assert "ended" in refused.headers["www-authenticate"]
