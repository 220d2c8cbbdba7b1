"""The Jira server's tools. None of them knows that Vault exists: `jira` is Jira, as the person who is asking."""

from __future__ import annotations

from typing import Annotated

from fastmcp.dependencies import Depends
from fastmcp.tools import tool
from pydantic import Field

from fastmcp_vault.server.tool import reading, writing
from fastmcp_vault.vault import Vault
from mcp_servers import jira_api, jira_offers
from mcp_servers.jira_api import Jira, JiraBackEnd, jira_as_caller
from mcp_servers.jira_models import (
    AddedComment,
    CreatedIssue,
    Issue,
    IssueList,
    ProjectList,
    TransitionedIssue,
)
from mcp_servers.kind import Kind, McpServer
from mcp_servers.names import Matching
from mcp_servers.settings import JiraSettings

IssueKey = Annotated[
    str,
    Matching(r"[A-Za-z][A-Za-z0-9_]{0,49}-[1-9][0-9]{0,9}", "must look like PROJ-1"),
    Field(description="The issue's key, such as PROJ-1.", max_length=64),
]
ProjectKey = Annotated[
    str,
    Matching(r"[A-Za-z][A-Za-z0-9_]{1,49}", "must look like PROJ"),
    Field(description="The project's key, such as PROJ.", max_length=50),
]
Limit = Annotated[int, Field(description="How many issues at most.", ge=1, le=500)]
LongText = Annotated[str, Field(max_length=32_000)]


@tool(annotations=reading("Get an issue"))
async def get_issue(issue_key: IssueKey, jira: Jira = Depends(jira_as_caller)) -> Issue:
    """Fetch one Jira issue, as the person who is asking."""
    return await jira.issue(issue_key)


@tool(annotations=reading("List issues"))
async def list_issues(
    jql: Annotated[
        str,
        Field(description='A JQL query, such as `project = PROJ AND status = "To Do"`.', min_length=1, max_length=2000),
    ] = "created is not EMPTY ORDER BY updated DESC",
    limit: Limit = 50,
    jira: Jira = Depends(jira_as_caller),
) -> IssueList:
    """List the issues that match a JQL query, among those that the person who is asking may see."""
    return await jira.search(jql, limit=limit)


@tool(annotations=reading("List projects"))
async def list_projects(jira: Jira = Depends(jira_as_caller)) -> ProjectList:
    """List the projects that the person who is asking may see."""
    return await jira.projects()


@tool(annotations=writing("Create an issue"))
async def create_issue(
    project: ProjectKey,
    summary: Annotated[str, Field(description="One line that says what it is about.", min_length=1, max_length=255)],
    issue_type: Annotated[
        str, Field(description="The issue's type, such as Task, Bug or Story.", min_length=1, max_length=60)
    ] = "Task",
    description: Annotated[
        LongText,
        Field(description="The whole text; blank lines part paragraphs.", json_schema_extra={"format": "multiline"}),
    ] = "",
    jira: Jira = Depends(jira_as_caller),
) -> CreatedIssue:
    """Create an issue, with the person who is asking as its reporter."""
    return await jira.create(project=project, summary=summary, issue_type=issue_type, description=description)


@tool(annotations=writing("Add a comment"))
async def add_comment(
    issue_key: IssueKey,
    body: Annotated[
        LongText,
        Field(
            description="The comment's text; blank lines part paragraphs.",
            min_length=1,
            json_schema_extra={"format": "multiline"},
        ),
    ],
    jira: Jira = Depends(jira_as_caller),
) -> AddedComment:
    """Add a comment to an issue, by the person who is asking."""
    return await jira.comment(issue_key, body)


@tool(annotations=writing("Move an issue", destructive=True))
async def transition_issue(
    issue_key: IssueKey,
    transition: Annotated[
        str,
        Field(
            description="The transition's name or the status it leads to, such as In Progress.",
            min_length=1,
            max_length=120,
        ),
    ],
    jira: Jira = Depends(jira_as_caller),
) -> TransitionedIssue:
    """Move an issue to another status, as the person who is asking."""
    return await jira.transition(issue_key, transition)


TOOLS = (get_issue, list_issues, list_projects, create_issue, add_comment, transition_issue)


def jira_kind(settings: JiraSettings, vault: Vault) -> Kind:
    """Jira, by its REST API, with a secret out of KV, or as the account that the person connected."""
    site = settings.rest(settings.jira_url, words=jira_api.words, site_url=settings.jira_site_url)
    gateway = (
        settings.rest(settings.jira_oauth_api_url, words=jira_api.words) if settings.jira_oauth_client_id else None
    )
    return Kind(TOOLS, JiraBackEnd(site, gateway), settings.stored_secret(vault), jira_offers.OFFERS)


SERVER = McpServer(JiraSettings, jira_kind)
