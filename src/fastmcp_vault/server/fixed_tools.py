"""FastMCP for a server whose tools are settled at its start: finding one costs a look into a dictionary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastmcp import FastMCP
from fastmcp.exceptions import NotFoundError, to_mcp_error
from fastmcp.tools import Tool, ToolResult
from fastmcp.utilities.versions import VersionSpec

from fastmcp_vault.server.nulls import without_nulls


class FixedTools(FastMCP[Any]):
    """A server with these tools for everybody, always: nothing hides, renames or versions them.

    FastMCP looks a tool up through its providers, transforms and a person's stored visibility rules, and the SDK lists
    all tools anew for each call, to see which headers of the request it should check (SEP-2243, ``x-mcp-header``). Here
    the answer to both never changes, and together they were half of what a call cost.
    """

    def __init__(self, name: str, tools: Iterable[Tool], **more: Any) -> None:
        super().__init__(name, on_duplicate="error", **more)
        self._fixed: dict[str, Tool] = {}
        for tool in tools:
            self.add_tool(tool)
            self._fixed[tool.name] = tool
        self._mcp_server.get_tool_input_schema = {name: tool.parameters for name, tool in self._fixed.items()}.get

    async def get_tool(self, name: str, version: VersionSpec | None = None) -> Tool | None:
        """The tool of this name; none has versions, so that asking for one finds nothing."""
        return self._fixed.get(name) if version is None else None

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        *,
        version: VersionSpec | None = None,
        run_middleware: bool = True,
    ) -> ToolResult:
        """As FastMCP's; but a tool that is not there is an error of the protocol (-32602), not one of a tool.

        MCP 2026-07-28, server/tools "Error Handling". Raises MCPError.
        """
        if name not in self._fixed:
            raise to_mcp_error(NotFoundError(f"Unknown tool: {name!r}"))
        arguments = without_nulls(self._fixed[name].parameters, arguments)
        return await super().call_tool(name, arguments, version=version, run_middleware=run_middleware)
