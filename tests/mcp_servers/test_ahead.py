"""Listing the tools begins what the first call will need; a client that is shown traces sees each step instead."""

from __future__ import annotations

from benchmarks import people
from benchmarks.people import Reception
from benchmarks.wire import Connection, listing, request, structured
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, Vault, connected, steps
from tests.support.eventually import eventually
from tests.support.people import Person


async def test_after_a_listing_the_login_is_there_and_the_first_call_uses_it(
    stack: Stack, person: Person, vault: Vault
) -> None:
    reception, url = Reception(stack), f"{stack.url('mcp-jira')}/mcp"
    secret = person.entitlements["jira"]["api_token"]
    visit = await reception.visit(people.BenchPerson(person.username, person.password, person.email, secret), "jira")
    await reception.close()
    async with Connection(url) as connection:
        await connection.send(listing(url, token=visit.token))
        await eventually(lambda: len(vault.tokens_of(visit.sid, "jira")) == 1)
        (token,) = vault.tokens_of(visit.sid, "jira")
        call = request(url, "get_issue", {"issue_key": "PROJ-1"}, token=visit.token)
        assert structured(await connection.send(call))["key"] == "PROJ-1"
        assert vault.tokens_of(visit.sid, "jira") == [token]


async def test_the_app_s_first_call_shows_each_step_as_done_although_it_listed_the_tools(
    caller: Caller, vault: Vault
) -> None:
    async with connected(caller.stack, "jira", await caller.token("jira")) as client:
        await client.list_tools()
    first = await caller.call("jira", "credential_status", traced=True)
    assert steps(first)["vault-login"]["status"] == "done"
