"""The MCP tools page, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "typed.kept": "What you typed is kept for an hour, encrypted. Sign in again as the same person, and it is there.",
    "typed.back": "This is what you had typed.",
    "tools.title": "MCP tools",
    "tools.lead": "**Whose credential does a tool use?** "
    "Pick servers and load their tools. Each of them then acts as you.",
    "tools.load": "Load Tools",
    "tools.loading": "Asking {servers} …",
    "tools.pick-one": "Pick at least one server.",
    "tools.execute": "Execute",
    "tools.executing": "Running {tool} as {username} …",
    "tools.heading": "Tools",
    "tools.none": "No tools to show. The reason is above.",
    "tools.no-parameters": "This tool takes no parameters.",
    "tools.read-only": "reads",
    "tools.writes": "writes",
    "tools.destructive": "writes, may destroy",
    "tools.result": "Result",
    "tools.result.raw": "Raw JSON",
    "tools.result.empty": "Done. The tool returned nothing.",
    "tools.result.rows": "{count} rows",
    "tools.result.no-rows": "No rows.",
    "value.yes": "yes",
    "value.no": "no",
    "value.none": "—",
    "tools.not-set": "not set",
    "tools.optional": "{name} (optional)",
    "verdict.all": "{count} of {count} servers act as {username}.",
    "verdict.some": "{good} of {count} servers act as {username}. {reasons}",
    "verdict.missing": "{server}: no credential for {username} — {reason}",
    "verdict.failed": "{server}: {reason}",
    "verdict.executed": "{tool} ran at {server} as {username}.",
    "verdict.refused": "{tool} at {server} did not run: {reason}",
    "verdict.no-reason": "no reason was given.",
    "tools.left": "{remaining} of the {limit} calls a minute that {server} lets you make are left; the minute "
    "begins anew in {reset} s.",
}
