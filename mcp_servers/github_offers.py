"""What the GitHub server offers beside its tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastmcp.dependencies import Depends

from fastmcp_vault.server.offers import Offers, material
from mcp_servers.github_api import GitHub, github_as_caller


async def review_open_pull_requests(owner: str, repo: str, github: GitHub = Depends(github_as_caller)) -> str:
    """A repository's open pull requests, in the order in which to look at them."""
    found = await github.pull_requests(owner, repo, state="open")
    return (
        f"Put the open pull requests of {owner}/{repo} into the order in which I should review them, with a reason"
        " each. Say which look ready, which wait for their author, and which are old. Change nothing.\n\n"
        + material("The open pull requests", found)
    )


async def owners(_: Mapping[str, str]) -> Sequence[str]:
    """Whose repositories the person who is asking may see."""
    return sorted({name.partition("/")[0] for name in await _names()})


async def repositories(known: Mapping[str, str]) -> Sequence[str]:
    """Repositories of the owner that was chosen before, or of anybody."""
    owner = known.get("owner", "").casefold()
    parts = [name.partition("/") for name in await _names()]
    return sorted({repo for whose, _, repo in parts if owner in ("", whose.casefold())})


async def _names() -> list[str]:
    async with github_as_caller() as github:
        return [one.full_name for one in (await github.repositories()).repositories]


OFFERS = Offers(prompts=(review_open_pull_requests,), completions={"owner": owners, "repo": repositories})
