"""The page Connect, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.connect": "Connect",
    "nav.connect.help": "Use the servers from another MCP client.",
    "connect.title": "Connect another client",
    "connect.lead": "**How do I use these servers from a client of my own?** "
    "These servers are for any MCP client. Copy what yours wants: the address is enough, the client "
    "finds Keycloak by itself, and you sign in there. No token and no secret is copied anywhere.",
    "connect.browsers-only": "This demo serves a room: it lets browsers in, and no other programs. A client of your "
    "own reaches neither these servers nor what it would need of Keycloak. Start the demo on your own machine "
    "(`./demo up`): what follows is then ready to copy.",
    "connect.server": "Server",
    "connect.address": "Its address: {url}",
    "connect.client.inspector": "MCP Inspector",
    "connect.client.claude-code": "Claude Code",
    "connect.client.claude-desktop": "Claude Desktop",
    "connect.client.vscode": "VS Code",
    "connect.client.python": "Python",
    "connect.form.inspector.web": "In the browser: start it, press *Connect*, sign in.",
    "connect.form.inspector.cli": "In a terminal: one call; it prints the address at which you sign in.",
    "connect.form.claude-code.command": "In a terminal; then `/mcp` inside Claude Code leads to the sign-in.",
    "connect.form.claude-code.file": "Or for a whole project, all servers: the file `.mcp.json`.",
    "connect.form.claude-desktop.file": "All servers: `claude_desktop_config.json` (Settings, Developer, Edit Config).",
    "connect.form.vscode.file": "All servers, in `.vscode/mcp.json` of a workspace; then *Start* above each entry.",
    "connect.form.python.script": "A whole program; the browser opens for the sign-in.",
    "connect.note.inspector": "Needs Node.js 22.19 or newer.",
    "connect.note.claude-code": "Claude Code keeps the token, and asks again when it has ended.",
    "connect.note.claude-desktop": "Claude Desktop starts local programs from this file; `mcp-remote` (Node.js) stands "
    "between. Its own custom connectors want an https address that the internet can reach.",
    "connect.note.vscode": "VS Code asks for permission to sign in the first time.",
    "connect.note.python": "FastMCP's client keeps the token in memory: each run signs in anew.",
    "connect.then": "What happens then",
    "connect.then.found": "Found",
    "connect.then.found.text": "The server refuses the first request and names {issuer}; the client goes on there.",
    "connect.then.registers": "Registered",
    "connect.then.registers.text": "The client registers itself at Keycloak: public, with PKCE, for these scopes only.",
    "connect.then.asked": "Asked",
    "connect.then.asked.text": "You sign in on Keycloak's own page and agree: {read} lets it read as you.",
    "connect.then.writes": "Writing",
    "connect.then.writes.text": "{write} lets it change things as you; a client that did not ask for it is refused.",
    "connect.then.acts": "Acting",
    "connect.then.acts.text": "Each call uses your own {server} credential from Vault. The client never sees it.",
    "connect.then.ends": "Ended",
    "connect.then.ends.text": "When its Keycloak session ends, it is refused everywhere about a second later.",
}
