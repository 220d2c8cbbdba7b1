"""The Jira tools, as the person who asks: each tool, and every way in which a call can fail."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import MCPError
from mcp_types import INVALID_PARAMS

from tests.mcp_servers.callers import Caller, connected, steps
from tests.mcp_servers.conftest import SignIn
from tests.support.people import Person


async def test_alice_gets_the_issue_through_her_own_credential(sign_in: SignIn, alice: Person) -> None:
    caller = await sign_in(alice)
    issue = await caller.data("jira", "get_issue", {"issue_key": "PROJ-1"})
    assert issue["key"] == "PROJ-1"
    assert issue["summary"]
    assert issue["status"] in ("To Do", "In Progress", "Done")
    assert "{" not in issue["description"]
    assert issue["comments"][0]["body"]


async def test_a_credential_decides_what_its_owner_sees(sign_in: SignIn, alice: Person, person: Person) -> None:
    """SHOP is for its members: alice sees it, somebody else does not."""
    hers = await (await sign_in(alice)).data("jira", "list_projects")
    others = await (await sign_in(person)).data("jira", "list_projects")
    assert "SHOP" in {p["key"] for p in hers["projects"]}
    assert "SHOP" not in {p["key"] for p in others["projects"]}
    assert "PROJ" in {p["key"] for p in others["projects"]}


async def test_list_issues_follows_jql_and_says_when_there_are_more(shared: Caller) -> None:
    two = await shared.data("jira", "list_issues", {"jql": "project = PROJ ORDER BY key ASC", "limit": 2})
    assert [i["key"] for i in two["issues"]] == ["PROJ-1", "PROJ-2"]
    assert two["more"]
    every = await shared.data("jira", "list_issues", {"jql": "project = PROJ", "limit": 500})
    assert every["count"] == len(every["issues"]) >= 25
    assert not every["more"]


async def test_list_issues_needs_no_argument(shared: Caller) -> None:
    assert (await shared.data("jira", "list_issues"))["count"] > 10


async def test_an_issue_is_created_commented_and_moved_as_the_caller(shared: Caller) -> None:
    made = await shared.data(
        "jira",
        "create_issue",
        {"project": "PROJ", "summary": "Written by a test", "description": "First.\n\nSecond\nline."},
    )
    key = made["key"]
    added = await shared.data("jira", "add_comment", {"issue_key": key, "body": "Seen."})
    moved = await shared.data("jira", "transition_issue", {"issue_key": key, "transition": "in progress"})
    issue = await shared.data("jira", "get_issue", {"issue_key": key})
    assert issue["description"] == "First.\nSecond\nline."
    assert issue["status"] == moved["status"] == "In Progress"
    assert [c["body"].strip() for c in issue["comments"]] == ["Seen."]
    assert issue["comments"][0]["author"] == added["author"] == issue["reporter"]


async def test_bob_is_told_which_path_is_empty_and_how_an_administrator_fills_it(sign_in: SignIn, bob: Person) -> None:
    caller = await sign_in(bob)
    status = await caller.call("jira", "credential_status", traced=True)
    assert not status.is_error
    told = status.structured_content or {}
    assert told["present"] is False
    assert told["vault_path"] == "secret/data/users/bob/jira"
    assert told["entity"] == "bob"
    assert "Vault at secret/users/bob/jira" in told["reason"]
    trace = steps(status)
    assert trace["credential"]["status"] == "failed"
    assert trace["credential"]["code"] == "credential_missing"
    assert trace["backend"]["status"] == "skipped"

    refusal = await caller.refusal("jira", "get_issue", {"issue_key": "PROJ-1"})
    assert refusal["code"] == "credential_missing"
    assert f"{refusal['what']} {refusal['fix']}" == told["reason"]


async def test_alices_status_names_path_version_and_time_left_but_never_the_credential(
    sign_in: SignIn, alice: Person
) -> None:
    caller = await sign_in(alice)
    status = await caller.data("jira", "credential_status")
    assert status["present"]
    assert status["vault_path"] == "secret/data/users/alice/jira"
    assert (status["username"], status["email"], status["entity"]) == ("alice", alice.email, "alice")
    assert status["credential_version"] >= 1
    assert 0 < status["lease_seconds"] <= 900
    assert alice.entitlements["jira"]["api_token"] not in str(status)
    assert "alice@example.com" in status["masked_credential"]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("get_issue", {"issue_key": "PROJ-99999"}, "Jira has no issue PROJ-99999, or you may not see it"),
        ("get_issue", {"issue_key": "nonsense"}, "`issue_key` must look like PROJ-1"),
        ("get_issue", {"issue_key": "../../user-1"}, "`issue_key` must look like PROJ-1"),
        ("get_issue", {"issue_key": "PROJ-1/../PROJ-2"}, "`issue_key` must look like PROJ-1"),
        ("get_issue", {}, "`issue_key` is missing"),
        ("get_issue", {"issue_key": "PROJ-1", "jira": {"email": "x"}}, "`jira` is not an argument of this tool"),
        ("list_issues", {"jql": "project ="}, "Jira refused"),
        ("list_issues", {"jql": "project = PROJ", "limit": 501}, "`limit` should be less than or equal to 500"),
        ("list_issues", {"jql": ""}, "`jql` is empty"),
        ("create_issue", {"project": "NOPE", "summary": "x"}, "Jira refused"),
        ("create_issue", {"project": "PROJ", "summary": "x" * 256}, "`summary` is longer than 255 characters"),
        ("add_comment", {"issue_key": "PROJ-1", "body": "x" * 1_000_000}, "`body` is longer than 32,000 characters"),
        ("transition_issue", {"issue_key": "PROJ-1", "transition": "Explode"}, "Possible: “"),
    ],
)
async def test_bad_input_is_refused_in_a_sentence(
    shared: Caller, tool: str, arguments: dict[str, Any], words: str
) -> None:
    refusal = await shared.refusal("jira", tool, arguments)
    assert words in refusal["what"]
    assert "Traceback" not in str(refusal)
    assert refusal["code"] in ("input", "backend_refused")


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_an_unknown_tool_is_an_error_of_the_protocol(shared: Caller, era: str) -> None:
    async with connected(shared.stack, "jira", await shared.token("jira"), mode=era) as client:
        with pytest.raises(MCPError, match="Unknown tool: 'read_vault'") as refused:
            await client.call_tool_mcp("read_vault", {})
    assert refused.value.error.code == INVALID_PARAMS
