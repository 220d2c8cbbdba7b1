"""Ready configuration for other MCP clients, with this instance's own addresses; no Streamlit here.

Each form is the client's own: Claude Code's `.mcp.json` (code.claude.com/docs/en/mcp), Claude Desktop's
`claude_desktop_config.json` (a local program, so `mcp-remote` stands between), VS Code's `.vscode/mcp.json`
(code.visualstudio.com/docs/copilot/reference/mcp-configuration), MCP Inspector 2's command line, FastMCP's client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.servers import SERVERS

CLIENTS = ("inspector", "claude-code", "claude-desktop", "vscode", "python")
"""In the order in which the page shows them."""

_SCRIPT = '''\
"""Call one tool of the {server} MCP server; the browser opens for the sign-in. Needs: pip install fastmcp"""

import asyncio

from fastmcp import Client


async def main() -> None:
    async with Client("{url}", auth="oauth") as client:
        answer = await client.call_tool("{tool}", {arguments})
        print(answer.structured_content)


asyncio.run(main())
'''


@dataclass(frozen=True, slots=True)
class Form:
    """One thing to copy: ``name`` says where it goes (a text's key), ``language`` what it is written in."""

    name: str
    language: str
    text: str


def forms(client: str, server: str, urls: Mapping[str, str]) -> tuple[Form, ...]:
    """What ``client`` wants: files name every server of ``urls`` (by server name), commands the one ``server``."""
    url, (tool, arguments) = urls[server], SERVERS[server].begin_with
    if client == "inspector":
        options = "".join(f" --tool-arg {name}={value}" for name, value in arguments.items())
        call = f"--method tools/call --tool-name {tool}{options}"
        start = "npx @modelcontextprotocol/inspector@2"
        return (
            Form("inspector.web", "bash", f"{start} --server-url {url} --transport http"),
            Form("inspector.cli", "bash", f"{start} --cli {url} --transport http {call}"),
        )
    if client == "claude-code":
        return (
            Form("claude-code.command", "bash", f"claude mcp add --transport http {_named(server)} {url}"),
            _file("claude-code.file", {"mcpServers": _entries(urls)}),
        )
    if client == "claude-desktop":
        bridged = {_named(name): {"command": "npx", "args": ["-y", "mcp-remote", at]} for name, at in urls.items()}
        return (_file("claude-desktop.file", {"mcpServers": bridged}),)
    if client == "vscode":
        return (_file("vscode.file", {"servers": _entries(urls)}),)
    script = _SCRIPT.format(server=server, url=url, tool=tool, arguments=json.dumps(dict(arguments)))
    return (Form("python.script", "python", script),)


def _named(server: str) -> str:
    return f"vault-{server}"


def _entries(urls: Mapping[str, str]) -> dict[str, Any]:
    return {_named(server): {"type": "http", "url": url} for server, url in urls.items()}


def _file(name: str, content: Mapping[str, Any]) -> Form:
    return Form(name, "json", json.dumps(content, indent=2))
