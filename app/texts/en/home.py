"""The home page and the health of every part, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "home.title": "Remote tools that act as you",
    "home.lead": "**How can a tool act as me, and as nobody else?** "
    "You sign in once. Each MCP server then works with *your* credential for Jira, GitHub or PostgreSQL, "
    "and with nobody else's. Every step on the way is shown, from what really happened.",
    "home.open-tools": "Open MCP tools",
    "home.who": "Who you are",
    "home.who.nobody": "You are not signed in. The button at the top leads to Keycloak's own page.",
    "home.health": "Is everything up?",
    "home.health.checking": "Asking every part …",
    "home.health.all": "All {count} parts are up.",
    "home.health.some": "{down} of {count} parts need attention.",
    "home.health.up": "up",
    "home.health.down": "down",
    "home.health.again": "Check again",
    "health.keycloak": "Keycloak",
    "health.keycloak.fix": "Nobody can sign in. `./demo status`, then `./demo logs keycloak`.",
    "health.vault": "Vault",
    "health.vault.fix": "No credential can be fetched anew. `./demo status`, then `./demo logs openbao`.",
    "health.state": "Shared state",
    "health.state.fix": "PostgreSQL's `mcp_state` is not reached; servers refuse. `./demo logs postgres`.",
    "health.mcp": "{server} MCP server",
    "health.mcp.fix": "Its tools cannot be used. `./demo logs mcp-{server}`.",
}
