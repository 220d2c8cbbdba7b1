"""``null`` for an argument that may be left out: taken as left out, by every tool, prompt and completion."""

from __future__ import annotations

from typing import Any

import pytest

from fastmcp_vault.server.nulls import without_nulls
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, connected, post, says_yes, text, until

SERVERS = ("jira", "github", "postgres")
REQUIRED: dict[str, Any] = {
    "issue_key": "PROJ-1",
    "project": "PROJ",
    "summary": "made with nulls",
    "body": "a comment",
    "transition": "To Do",
    "owner": "nobody-of-that-name",
    "repo": "nothing",
    "number": 1,
    "title": "made with nulls",
    "table_name": "orders",
    "sql": "SELECT 1",
}


async def test_every_optional_argument_of_every_tool_may_be_null(shared: Caller, stack: Stack) -> None:
    looked_at = 0
    for server in SERVERS:
        async with connected(stack, server, await shared.token(server), answer=says_yes) as client:
            for tool in await client.list_tools():
                properties = tool.input_schema.get("properties", {})
                required = tool.input_schema.get("required", [])
                optional = [name for name in properties if name not in required]
                if not optional:
                    continue
                looked_at += len(optional)
                given = {name: REQUIRED[name] for name in required} | dict.fromkeys(optional)
                result = await client.call_tool_mcp(tool.name, given)
                assert "The arguments cannot be used" not in text(result), tool.name
    assert looked_at >= 6


async def test_null_for_a_required_argument_is_still_refused_by_name(shared: Caller) -> None:
    refused = await shared.refusal("jira", "get_issue", {"issue_key": None})
    assert "`issue_key`" in refused["what"]


async def test_a_list_with_nulls_is_the_list_without_them(shared: Caller) -> None:
    async def same() -> bool:
        """Other tests make issues meanwhile."""
        with_nulls = await shared.data("jira", "list_issues", {"jql": None, "limit": None})
        return with_nulls == await shared.data("jira", "list_issues")

    await until(same)


async def test_prompts_and_completions_take_null_too(shared: Caller, stack: Stack) -> None:
    requests: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "jira": [("prompts/get", {"name": "summarise_my_open_issues", "arguments": {"project": None}})],
        "postgres": [
            (
                "completion/complete",
                {
                    "ref": {"type": "ref/prompt", "name": "explore_a_table"},
                    "argument": {"name": "table_name", "value": "ord"},
                    "context": {"arguments": {"table_name": None}},
                },
            ),
        ],
    }
    for server, asked in requests.items():
        token = await shared.token(server)
        for method, params in asked:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            answer = (await post(stack, server, token, body=body)).json()
            assert "result" in answer, answer


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (None, None),
        ({}, {}),
        ({"limit": None, "key": "x"}, {"key": "x"}),
        ({"key": None}, {"key": None}),
        ({"nullable": None}, {"nullable": None}),
        ({"either": None}, {"either": None}),
        ({"unheard_of": None}, {"unheard_of": None}),
        ({"limit": 0, "flag": False, "word": ""}, {"limit": 0, "flag": False, "word": ""}),
    ],
)
def test_only_what_has_a_default_and_knows_no_null_is_dropped(arguments: Any, left: Any) -> None:
    schema = {
        "required": ["key"],
        "properties": {
            "key": {"type": "string"},
            "limit": {"type": "integer", "default": 5},
            "flag": {"type": "boolean", "default": True},
            "word": {"type": "string", "default": "x"},
            "nullable": {"type": ["string", "null"], "default": "x"},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": "x"},
        },
    }
    assert without_nulls(schema, arguments) == left
