"""A session that ends takes its Vault tokens, leases and database roles with it, on every replica."""

from __future__ import annotations

import asyncio
import signal
import time
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from pydantic import SecretStr
from requests.cookies import RequestsCookieJar

from fastmcp_vault.state import State
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, Vault, app_client, database_roles, post, until
from tests.mcp_servers.serving import replica
from tests.support.eventually import eventually
from tests.support.login import agree, end_at_keycloak
from tests.support.people import Person

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


async def test_who_signs_in_again_is_let_in_though_keycloak_gives_the_ended_session_s_id_again(
    person: Person, stack: Stack
) -> None:
    """An end is about what was before it: the old token stays refused, the person is not locked out."""
    back, cookies = f"{stack.url('app')}/auth/callback", RequestsCookieJar()

    async def signs_in(*, anew: bool) -> Caller:
        async with app_client(stack) as keycloak:
            asked = keycloak.login_request(redirect_uri=back, anew=anew)
            arrived, _ = await asyncio.to_thread(agree, asked.url, person.username, person.password, cookies=cookies)
            code = parse_qs(urlsplit(arrived).query)["code"][0]
            tokens = await keycloak.redeem(code=code, verifier=asked.verifier, nonce=asked.nonce, redirect_uri=back)
        return Caller(stack, person, tokens)

    before = await signs_in(anew=False)
    old = await before.token("jira")
    assert (await post(stack, "jira", old)).status_code == 200
    async with State(SecretStr(stack.environment("app")["STATE_DSN"])) as state:
        await state.end_session(before.claims["sid"], before.claims["sub"])
    await until_refused(stack, old)
    ended = time.time()
    await eventually(lambda: int(time.time()) > ended)
    after = await signs_in(anew=True)
    assert after.claims["sid"] == before.claims["sid"]
    assert await after.data("jira", "get_issue", {"issue_key": "PROJ-1"})
    assert (await post(stack, "jira", old)).status_code == 401
    await after.sign_out()


async def until_refused(stack: Stack, token: str) -> None:
    """Return once the Jira server has heard that this token's session has ended."""

    async def refused() -> bool:
        return (await post(stack, "jira", token)).status_code == 401

    await until(refused)


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
    with psycopg.connect(stack.environment("init")["STATE_DSN"], autocommit=True) as connection:
        holders = {
            row[0] for row in connection.execute("SELECT holder FROM vault_tokens WHERE accessor = ANY(%s)", (held,))
        }
        alive = {row[0] for row in connection.execute("SELECT objid FROM pg_locks WHERE locktype = 'advisory'")}
    assert holders
    assert holders <= alive
    async with State(SecretStr(stack.environment("app")["STATE_DSN"])) as state:
        assert not {token.accessor for token in await state.vault_tokens.left_over()} & set(held)
