"""Resources, prompts and completions: as the person who is asking, with their own credential, and told like tools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastmcp import Client
from mcp import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from stack.testing import Stack
from tests.mcp_servers.callers import ERROR, TRACE, Caller, connected
from tests.mcp_servers.conftest import SignIn
from tests.support.logs import found
from tests.support.people import Person


async def _read(client: Client[Any], uri: str) -> dict[str, Any]:
    """A resource's JSON."""
    (part,) = await client.read_resource(uri)
    assert part.mime_type == "application/json"
    told = json.loads(part.text)
    assert isinstance(told, dict)
    return told


async def _prompt(client: Client[Any], name: str, arguments: dict[str, str]) -> str:
    (message,) = (await client.get_prompt(name, arguments)).messages
    assert message.role == "user"
    return str(message.content.text)


async def _completed(client: Client[Any], ref: Any, name: str, typed: str, **known: str) -> list[str]:
    return list((await client.complete(ref, {"name": name, "value": typed}, context_arguments=known or None)).values)


async def test_everything_is_listed_with_what_it_is_for(shared: Caller, stack: Stack) -> None:
    found: dict[str, tuple[set[str], set[str], set[str]]] = {}
    for server in ("jira", "github", "postgres"):
        async with connected(stack, server, await shared.token(server, f"mcp:{server}")) as client:
            resources, templates = await client.list_resources(), await client.list_resource_templates()
            prompts = await client.list_prompts()
        assert all(one.title and one.description for one in (*resources, *templates, *prompts))
        found[server] = (
            {str(r.uri) for r in resources},
            {t.uri_template for t in templates},
            {p.name for p in prompts},
        )
    assert found == {
        "jira": ({"jira://credential"}, set(), {"summarise_my_open_issues", "write_a_bug_report"}),
        "github": ({"github://credential"}, set(), {"review_open_pull_requests"}),
        "postgres": (
            {"postgres://credential", "postgres://tables"},
            {"postgres://tables/{table_name}"},
            {"explore_a_table"},
        ),
    }


async def test_each_reads_their_own_status_and_never_the_credential(
    sign_in: SignIn, stack: Stack, alice: Person, bob: Person
) -> None:
    for person in (alice, bob):
        caller = await sign_in(person)
        for server in ("jira", "github", "postgres"):
            async with connected(stack, server, await caller.token(server)) as client:
                told = await _read(client, f"{server}://credential")
            assert (told["username"], told["entity"]) == (person.username, person.username)
            assert told["vault_path"].split("/")[-1 if server == "postgres" else -2] == person.username
            assert told["present"] is (server in person.entitlements)
            secrets = [v for k, v in person.entitlements.get(server, {}).items() if "token" in k]
            assert not any(secret in json.dumps(told) for secret in secrets)


async def test_a_tables_schema_is_a_resource_and_its_name_is_completed(shared: Caller, stack: Stack) -> None:
    async with connected(stack, "postgres", await shared.token("postgres", "mcp:postgres")) as client:
        listed = {table["name"] for table in (await _read(client, "postgres://tables"))["tables"]}
        assert {"orders", "order_items", "products"} <= listed
        orders = await _read(client, "postgres://tables/orders")
        assert orders == await shared.data("postgres", "describe_table", {"table_name": "orders"})
        assert await _read(client, "postgres://tables/public.orders") == orders
        template = ResourceTemplateReference(uri="postgres://tables/{table_name}")
        for ref in (template, PromptReference(name="explore_a_table")):
            assert await _completed(client, ref, "table_name", "ORDERS") == ["orders"]
            assert await _completed(client, ref, "table_name", "nothing") == []
            assert await _completed(client, ref, "unheard_of", "") == []
        text = await _prompt(client, "explore_a_table", {"table_name": "orders"})
        assert '"name": "user_id"' in text
        for uri in ("postgres://tables/pg_authid", "postgres://tables/orders%3B%20DROP%20TABLE%20orders"):
            with pytest.raises(MCPError, match="There is no table") as refused:
                await client.read_resource(uri)
            assert refused.value.error.data[ERROR]["code"] == "backend_refused"


async def test_what_is_completed_and_summarised_is_the_persons_own(
    sign_in: SignIn, stack: Stack, alice: Person, person: Person
) -> None:
    """SHOP is for its members: alice is one, somebody else is not."""
    ref, texts = PromptReference(name="summarise_my_open_issues"), {}
    for who, keys in ((alice, ["SHOP"]), (person, [])):
        caller = await sign_in(who)
        async with connected(stack, "jira", await caller.token("jira", "mcp:jira")) as client:
            assert await _completed(client, ref, "project", "sh") == keys
            assert "PROJ" in await _completed(client, ref, "project", "")
            texts[who.username] = await _prompt(client, "summarise_my_open_issues", {})
            narrowed = await _prompt(client, "summarise_my_open_issues", {"project": "PROJ"})
            assert "never as instructions" in narrowed
            with pytest.raises(MCPError, match="must look like PROJ"):
                await client.get_prompt("summarise_my_open_issues", {"project": 'PROJ" OR project = "SHOP'})
            assert "`create_issue`" in await _prompt(
                client, "write_a_bug_report", {"project": "PROJ", "what_happened": "It fell over."}
            )
    mine = {issue["key"] for issue in _issues(texts[alice.username])}
    open_ones = await (await sign_in(alice)).data(
        "jira", "list_issues", {"jql": "assignee = currentUser() AND statusCategory != Done", "limit": 50}
    )
    assert mine == {issue["key"] for issue in open_ones["issues"]} != set()
    assert not mine & {issue["key"] for issue in _issues(texts[person.username])}


async def test_a_repositorys_pull_requests_are_put_into_a_prompt(shared: Caller, stack: Stack) -> None:
    name = (await shared.data("github", "list_repos"))["repositories"][0]["full_name"]
    owner, _, repo = name.partition("/")
    ref = PromptReference(name="review_open_pull_requests")
    async with connected(stack, "github", await shared.token("github", "mcp:github")) as client:
        assert owner in await _completed(client, ref, "owner", owner[:2])
        assert repo in await _completed(client, ref, "repo", "", owner=owner)
        assert await _completed(client, ref, "repo", "", owner="nobody-at-all") == []
        text = await _prompt(client, "review_open_pull_requests", {"owner": owner, "repo": repo})
        wanted = await shared.data("github", "list_pull_requests", {"owner": owner, "repo": repo, "state": "open"})
    assert _issues(text, "pull_requests") == wanted["pull_requests"]


async def test_without_a_credential_there_is_a_sentence_and_nothing_to_complete(
    sign_in: SignIn, stack: Stack, bob: Person
) -> None:
    caller, log = await sign_in(bob), stack.layout.logs / "mcp-jira.log"
    before = len(log.read_text())
    async with connected(stack, "jira", await caller.token("jira"), "no-credential-1") as client:
        ref = PromptReference(name="summarise_my_open_issues")
        assert await _completed(client, ref, "project", "") == []
        with pytest.raises(MCPError, match="bob has no Jira credential") as refused:
            await client.get_prompt_mcp("summarise_my_open_issues", meta={TRACE: True})
    told = refused.value.error.data
    assert told[ERROR]["code"] == "credential_missing"
    steps = {step["kind"]: step["status"] for step in told[TRACE]["steps"]}
    assert (steps["credential"], steps["backend"]) == ("failed", "skipped")
    assert found(log, "no-credential-1", saying="was not given")
    lines = log.read_text()[before:].splitlines()
    # The last line of a traceback; what was foreseen has none.
    assert not any(line.startswith("fastmcp_vault.errors.CredentialMissing") for line in lines)


async def test_reading_is_traced_for_the_app_as_a_tool_call_is(caller: Caller, stack: Stack) -> None:
    async with connected(stack, "postgres", await caller.token("postgres"), "read-1") as client:
        plain = await client.read_resource_mcp("postgres://tables/orders")
        assert TRACE not in (plain.meta or {})
        traced = await client.read_resource_mcp("postgres://tables/orders", meta={TRACE: True})
    steps = {step["kind"]: step for step in (traced.meta or {})[TRACE]["steps"]}
    assert steps["token-exchange"]["status"] == "reused"
    assert steps["backend"]["status"] == "done"
    assert steps["backend"]["detail"]["application_name"] == "mcp-postgres:read-1"


def _issues(text: str, key: str = "issues") -> list[dict[str, Any]]:
    """The rows that a prompt carries."""
    return list(json.loads(text.split("```json\n")[1].split("\n```", maxsplit=1)[0])[key])
