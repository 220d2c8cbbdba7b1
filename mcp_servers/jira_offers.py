"""What the Jira server offers beside its tools."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fastmcp.dependencies import Depends

from fastmcp_vault.errors import InputError
from fastmcp_vault.server.offers import Offers, material
from mcp_servers.jira_api import Jira, jira_as_caller

OPEN = "assignee = currentUser() AND statusCategory != Done"
SHOWN = 50
"""Issues that a prompt carries at most."""


async def summarise_my_open_issues(project: str = "", jira: Jira = Depends(jira_as_caller)) -> str:
    """Your open issues, to be summarised: what is urgent, what waits for somebody, what to do next."""
    if project and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{1,49}", project):
        raise InputError("`project` must look like PROJ.", fix="Leave it out for all projects.")
    narrowed = f'project = "{project}" AND {OPEN}' if project else OPEN
    found = await jira.search(f"{narrowed} ORDER BY updated DESC", limit=SHOWN)
    return (
        "Summarise my open Jira issues for me: first what is urgent, then what waits for somebody else, then the one"
        " thing that I should do next. Name each issue by its key. Change nothing.\n\n"
        + material(f"My open issues{f' in {project}' if project else ''}, the last updated first", found)
    )


async def write_a_bug_report(project: str, what_happened: str) -> str:
    """A bug report made of a few words, shown before it is created."""
    return (
        f"Write a bug report for the Jira project {project} from this: {what_happened!r}. Give it a one-line summary"
        " and a description with the steps, what was expected, and what happened instead; ask me for what is missing."
        " Look with `list_issues` whether there is such an issue already. Show me the text, and call `create_issue`"
        " with the type Bug only after I have agreed."
    )


async def project_keys(_: Mapping[str, str]) -> Sequence[str]:
    """The keys of the projects that the person who is asking may see."""
    async with jira_as_caller() as jira:
        return [project.key for project in (await jira.projects()).projects]


OFFERS = Offers(prompts=(summarise_my_open_issues, write_a_bug_report), completions={"project": project_keys})
