"""The GitHub tools, as the person who asks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mcp_servers.callers import Caller


async def test_every_reading_tool_answers_about_a_repository_of_mine(shared: Caller) -> None:
    repositories = (await shared.data("github", "list_repos"))["repositories"]
    assert repositories
    owner, repo = repositories[0]["full_name"].split("/")
    one = await shared.data("github", "get_repo", {"owner": owner, "repo": repo})
    assert one["full_name"] == repositories[0]["full_name"]
    everything = await shared.data("github", "list_issues", {"owner": owner, "repo": repo, "state": "all"})
    opened = await shared.data("github", "list_issues", {"owner": owner, "repo": repo})
    assert opened["count"] <= everything["count"]
    assert {i["state"] for i in opened["issues"]} <= {"open"}
    pulls = await shared.data("github", "list_pull_requests", {"owner": owner, "repo": repo, "state": "all"})
    assert not {p["number"] for p in pulls["pull_requests"]} & {i["number"] for i in everything["issues"]}
    number = everything["issues"][0]["number"]
    issue = await shared.data("github", "get_issue", {"owner": owner, "repo": repo, "number": number})
    assert issue["number"] == number


async def test_an_issue_is_created_by_the_caller(shared: Caller) -> None:
    owner, repo = (await shared.data("github", "list_repos"))["repositories"][0]["full_name"].split("/")
    made = await shared.data(
        "github", "create_issue", {"owner": owner, "repo": repo, "title": "Written by a test", "body": "In *Markdown*."}
    )
    read = await shared.data("github", "get_issue", {"owner": owner, "repo": repo, "number": made["number"]})
    assert read["title"] == "Written by a test"
    assert read["author"] == shared.person.username


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("get_repo", {"owner": "nobody", "repo": "nothing"}, "GitHub has no repository nobody/nothing"),
        ("get_repo", {"owner": "..", "repo": "x"}, "`owner` must be"),
        ("get_repo", {"owner": "x", "repo": ".."}, "`repo` must be"),
        ("get_repo", {"owner": "x", "repo": "y/../../user"}, "`repo` must be"),
        ("get_issue", {"owner": "x", "repo": "y", "number": 0}, "`number` should be greater than or equal to 1"),
        ("list_issues", {"owner": "x", "repo": "y", "state": "any"}, "`state` should be 'open', 'closed' or 'all'"),
    ],
)
async def test_bad_input_is_refused_in_a_sentence(
    shared: Caller, tool: str, arguments: dict[str, Any], words: str
) -> None:
    assert words in (await shared.refusal("github", tool, arguments))["what"]
