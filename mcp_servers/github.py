"""The GitHub server's tools. None of them knows that Vault exists: `github` is GitHub, as the person who is asking."""

from __future__ import annotations

from typing import Annotated

from fastmcp.dependencies import Depends
from fastmcp.tools import tool
from pydantic import Field

from fastmcp_vault.server.tool import reading, writing
from fastmcp_vault.vault import Vault
from mcp_servers import github_api, github_offers
from mcp_servers.github_api import GitHub, State, github_as_caller
from mcp_servers.github_models import Issue, IssueList, PullRequestList, Repository, RepositoryList
from mcp_servers.kind import Kind, McpServer
from mcp_servers.names import Matching
from mcp_servers.settings import GithubSettings

Owner = Annotated[
    str,
    Matching(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?", "must be a user's or organisation's name"),
    Field(description="The user or organisation that the repository belongs to."),
]
Repo = Annotated[
    str,
    Matching(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", "must be a repository's name, without its owner"),
    Field(description="The repository's name, without its owner."),
]
IssueState = Annotated[State, Field(description="Which ones: open, closed, or all.")]


@tool(annotations=reading("List repositories"))
async def list_repos(github: GitHub = Depends(github_as_caller)) -> RepositoryList:
    """List the repositories that the person who is asking may see, the last updated first."""
    return await github.repositories()


@tool(annotations=reading("Get a repository"))
async def get_repo(owner: Owner, repo: Repo, github: GitHub = Depends(github_as_caller)) -> Repository:
    """Fetch one repository, as the person who is asking."""
    return await github.repository(owner, repo)


@tool(annotations=reading("List issues"))
async def list_issues(
    owner: Owner, repo: Repo, state: IssueState = "open", github: GitHub = Depends(github_as_caller)
) -> IssueList:
    """List a repository's issues (without pull requests), as the person who is asking."""
    return await github.issues(owner, repo, state=state)


@tool(annotations=reading("Get an issue"))
async def get_issue(
    owner: Owner,
    repo: Repo,
    number: Annotated[int, Field(description="The issue's number.", ge=1, le=2**31 - 1)],
    github: GitHub = Depends(github_as_caller),
) -> Issue:
    """Fetch one issue, as the person who is asking."""
    return await github.issue(owner, repo, number)


@tool(annotations=writing("Create an issue"))
async def create_issue(
    owner: Owner,
    repo: Repo,
    title: Annotated[str, Field(description="One line that says what it is about.", min_length=1, max_length=256)],
    body: Annotated[
        str,
        Field(description="The whole text, in Markdown.", max_length=65_536, json_schema_extra={"format": "multiline"}),
    ] = "",
    github: GitHub = Depends(github_as_caller),
) -> Issue:
    """Create an issue, with the person who is asking as its author."""
    return await github.create_issue(owner, repo, title=title, body=body)


@tool(annotations=reading("List pull requests"))
async def list_pull_requests(
    owner: Owner, repo: Repo, state: IssueState = "open", github: GitHub = Depends(github_as_caller)
) -> PullRequestList:
    """List a repository's pull requests, as the person who is asking."""
    return await github.pull_requests(owner, repo, state=state)


TOOLS = (list_repos, get_repo, list_issues, get_issue, create_issue, list_pull_requests)


def github_kind(settings: GithubSettings, vault: Vault) -> Kind:
    """GitHub, by its REST API, with a secret out of KV."""
    rest = settings.rest(settings.github_api_url, words=github_api.words)
    return Kind(TOOLS, rest, settings.stored_secret(vault, needs=github_api.NEEDS), github_offers.OFFERS)


SERVER = McpServer(GithubSettings, github_kind)
