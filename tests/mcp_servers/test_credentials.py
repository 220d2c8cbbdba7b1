"""A credential's life: fetched once, reused, renewed when it changed, gone with the session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stack.testing import Stack
from tests.mcp_servers.callers import Caller, Vault, as_superuser, connected, database_roles, post, steps, text, until
from tests.support.eventually import eventually

SERVERS = ["jira", "github", "postgres"]


@pytest.mark.parametrize("server", SERVERS)
async def test_two_calls_need_one_vault_token(caller: Caller, vault: Vault, server: str) -> None:
    first = await caller.call(server, "credential_status", traced=True)
    second = await caller.call(server, "credential_status", traced=True)
    assert [s["status"] for s in steps(first).values()] == ["done"] * 5 + ["skipped"]
    reused = steps(second)
    for kind in ("token-exchange", "vault-login", "entity", "credential"):
        assert reused[kind]["status"] == "reused", kind
        assert reused[kind]["since"] < reused[kind]["until"]
        assert not reused[kind]["exchanges"]
    assert reused["token-exchange"]["detail"]["claims"]["azp"] == f"mcp-{server}", (
        "the Tokens view shows it under reuse"
    )
    assert len(vault.tokens(caller, server)) == 1


async def test_a_new_access_token_of_the_same_session_reuses_what_is_held(caller: Caller, vault: Vault) -> None:
    await caller.data("jira", "credential_status")
    await caller.refresh()
    again = await caller.call("jira", "credential_status", traced=True)
    assert steps(again)["vault-login"]["status"] == "reused"
    assert len(vault.tokens(caller, "jira")) == 1


async def test_another_session_of_the_same_person_has_a_credential_of_its_own(
    caller: Caller, sign_in: Any, vault: Vault
) -> None:
    await caller.data("jira", "credential_status")
    other = await sign_in(caller.person)
    await other.data("jira", "credential_status")
    assert len(vault.tokens(caller, "jira")) == len(vault.tokens(other, "jira")) == 1
    assert vault.tokens(caller, "jira") != vault.tokens(other, "jira")


@pytest.mark.parametrize("server", ["jira", "postgres"])
async def test_fifty_first_calls_at_once_are_one_flight(caller: Caller, vault: Vault, server: str) -> None:
    async with connected(caller.stack, server, await caller.token(server)) as client:
        results = await asyncio.gather(*(client.call_tool_mcp("credential_status", {}) for _ in range(50)))
    assert not [text(r) for r in results if r.is_error]
    assert len(vault.tokens(caller, server)) == 1
    if server == "postgres":
        assert len(database_roles(caller.stack, caller.person.username)) == 1


async def test_fresh_does_everything_again_and_leaves_one_token(caller: Caller, vault: Vault) -> None:
    await caller.data("postgres", "query", {"sql": "SELECT 1"})
    before = vault.tokens(caller, "postgres")
    again = await caller.call("postgres", "query", {"sql": "SELECT 1"}, traced=True, fresh=True)
    assert not again.is_error
    assert [s["status"] for s in steps(again).values()] == ["done"] * 6
    await eventually(lambda: len(vault.tokens(caller, "postgres")) == 1)
    assert vault.tokens(caller, "postgres") != before
    await eventually(lambda: len(database_roles(caller.stack, caller.person.username)) == 1)


async def test_a_credential_changed_in_vault_is_used_within_the_bound(caller: Caller, vault: Vault) -> None:
    name = caller.person.username
    first = await caller.data("jira", "credential_status")
    held = caller.person.entitlements["jira"]
    vault.request("POST", f"secret/data/users/{name}/jira", {"data": {**held, "note": "changed"}})
    token = await caller.token("jira")

    async def changed() -> bool:
        status = await caller.call("jira", "credential_status", token=token)
        return bool((status.structured_content or {})["credential_version"] == first["credential_version"] + 1)

    await until(changed)
    assert len(vault.tokens(caller, "jira")) == 1


async def test_a_credential_taken_away_is_missed_within_the_bound_and_back_when_it_is(
    caller: Caller, vault: Vault
) -> None:
    name = caller.person.username
    await caller.data("github", "list_repos")
    vault.request("DELETE", f"secret/metadata/users/{name}/github")
    token = await caller.token("github")
    await until(lambda: fails(caller, "github", "list_repos", token=token))
    assert (await caller.refusal("github", "list_repos"))["code"] == "credential_missing"
    vault.request("POST", f"secret/data/users/{name}/github", {"data": caller.person.entitlements["github"]})
    await caller.data("github", "list_repos")


async def test_the_credential_is_the_entity_s_though_the_token_has_another_name(caller: Caller, vault: Vault) -> None:
    name = caller.person.username
    other = f"{name}-married"
    entity = vault.request("GET", f"identity/entity/name/{name}")["data"]["id"]
    vault.request("POST", f"identity/entity/id/{entity}", {"name": other})
    vault.request("POST", f"secret/data/users/{other}/jira", {"data": caller.person.entitlements["jira"]})
    try:
        read = steps(await caller.call("jira", "credential_status", traced=True))["credential"]
    finally:
        vault.request("POST", f"identity/entity/id/{entity}", {"name": name})
        vault.request("DELETE", f"secret/metadata/users/{other}/jira")
    assert read["status"] == "done"
    assert read["detail"]["vault_path"] == f"secret/data/users/{other}/jira"
    refused, answered = read["exchanges"]
    assert refused["url"].endswith(f"/users/{name}/jira")
    assert (refused["status"], answered["status"]) == (403, 200)


async def test_a_token_revoked_in_vault_is_replaced_within_the_bound(caller: Caller, vault: Vault) -> None:
    await caller.data("jira", "get_issue", {"issue_key": "PROJ-1"})
    (accessor,) = vault.tokens(caller, "jira")
    vault.request("POST", "auth/token/revoke-accessor", {"accessor": accessor})
    token = await caller.token("jira")

    async def replaced() -> bool:
        assert not await fails(caller, "jira", "get_issue", {"issue_key": "PROJ-1"}, token=token)
        return bool(vault.tokens(caller, "jira"))

    await until(replaced)


async def test_a_disabled_entity_stops_the_person_within_the_bound(caller: Caller, vault: Vault) -> None:
    name = caller.person.username
    await caller.data("postgres", "query", {"sql": "SELECT 1"})
    vault.request("POST", f"identity/entity/name/{name}", {"disabled": True})
    token = await caller.token("postgres")
    try:
        await until(lambda: fails(caller, "postgres", "query", {"sql": "SELECT 1"}, token=token))
        assert (await caller.refusal("postgres", "query", {"sql": "SELECT 1"}))["part"] == "vault"
    finally:
        vault.request("POST", f"identity/entity/name/{name}", {"disabled": False})


async def test_a_lease_revoked_under_an_open_connection_is_replaced_within_the_same_call(
    caller: Caller, vault: Vault
) -> None:
    name = caller.person.username
    me = {"sql": "SELECT current_user AS me"}
    first = (await caller.data("postgres", "query", me))["rows"][0]["me"]
    vault.request("PUT", f"sys/leases/revoke-prefix/database/creds/{name}")
    await eventually(lambda: first not in database_roles(caller.stack, name))
    second = (await caller.data("postgres", "query", me))["rows"][0]["me"]
    assert second != first
    await eventually(lambda: database_roles(caller.stack, name) == [second])


async def test_connections_cut_by_the_database_are_made_again_within_the_same_call(caller: Caller) -> None:
    me = {"sql": "SELECT pg_backend_pid() AS pid, current_user AS me"}
    first = (await caller.data("postgres", "query", me))["rows"][0]
    with as_superuser(caller.stack) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (first["pid"],))
    assert (await caller.data("postgres", "query", me))["rows"][0]["pid"] != first["pid"]


async def test_signing_out_ends_tokens_leases_and_database_roles_everywhere(
    caller: Caller, vault: Vault, stack: Stack
) -> None:
    name = caller.person.username
    tokens = {server: await caller.token(server) for server in SERVERS}
    for server in SERVERS:
        await caller.call(server, "credential_status", token=tokens[server])
    assert database_roles(stack, name)
    await caller.sign_out()
    for server in SERVERS:
        await eventually(lambda server=server: not vault.tokens(caller, server))
        refused = await post(stack, server, tokens[server])
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        assert "ended" in refused.headers["www-authenticate"]
    await eventually(lambda: not database_roles(stack, name))


async def test_a_handshake_era_client_gets_the_same_answers(caller: Caller, stack: Stack) -> None:
    async with connected(stack, "jira", await caller.token("jira"), mode="legacy") as client:
        issue = await client.call_tool("get_issue", {"issue_key": "PROJ-1"})
        assert issue.structured_content["key"] == "PROJ-1"


async def fails(caller: Caller, *call: Any, token: str) -> bool:
    """Whether a call ends in an error."""
    return bool((await caller.call(*call, token=token)).is_error)
