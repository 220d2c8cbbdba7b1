"""A session that ends takes its Vault tokens, leases and database roles with it, on every replica."""

from __future__ import annotations

import asyncio
import signal
import time

import psycopg
import pytest
from pydantic import SecretStr

from stack.testing import Stack
from state import State
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


@pytest.mark.parametrize("how", ["killed", "frozen while its person signs out"])
async def test_what_a_replica_cannot_revoke_any_more_is_revoked_for_it(
    caller: Caller, vault: Vault, stack: Stack, how: str
) -> None:
    name = caller.person.username
    async with replica(stack, "postgres") as doomed:
        assert not (await caller.call("postgres", "query", {"sql": "SELECT 1"}, at=doomed.url)).is_error
        (role,) = database_roles(stack, name)
        if how == "killed":
            doomed.process.kill()
        else:
            doomed.process.send_signal(signal.SIGSTOP)
            await caller.sign_out()
        try:
            await eventually(lambda: not vault.tokens(caller, "postgres"), within=60)
            await eventually(lambda: role not in database_roles(stack, name))
        finally:
            doomed.process.send_signal(signal.SIGCONT)


async def test_what_is_held_and_used_is_left_alone(caller: Caller, vault: Vault, stack: Stack) -> None:
    await caller.data("jira", "get_issue", {"issue_key": "PROJ-1"})
    held = vault.tokens(caller, "jira")
    with psycopg.connect(stack.environment("app")["STATE_DSN"], autocommit=True) as connection:
        holders = {
            row[0] for row in connection.execute("SELECT holder FROM vault_tokens WHERE accessor = ANY(%s)", (held,))
        }
        alive = {row[0] for row in connection.execute("SELECT objid FROM pg_locks WHERE locktype = 'advisory'")}
    assert holders
    assert holders <= alive
    async with State(SecretStr(stack.environment("app")["STATE_DSN"])) as state:
        assert not {token.accessor for token in await state.vault_tokens.left_over()} & set(held)
