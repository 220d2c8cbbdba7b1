"""A server with fixed tools answers as FastMCP does, and checks the same headers; it only looks less far."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastmcp import Client, FastMCP
from fastmcp.tools import Tool
from fastmcp.utilities.tests import asgi_client
from fastmcp.utilities.versions import VersionSpec
from mcp import MCPError
from pydantic import Field

from fastmcp_vault.server.fixed_tools import FixedTools


def echo(word: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Word"})]) -> str:
    """Say it back."""
    return word


def fixed() -> FixedTools:
    return FixedTools("fixed", [Tool.from_function(echo)])


async def test_it_lists_and_calls_what_it_was_given() -> None:
    usual: FastMCP[None] = FastMCP("usual")
    usual.add_tool(Tool.from_function(echo))
    async with Client(fixed()) as one, Client(usual) as other:
        assert [t.model_dump() for t in await one.list_tools()] == [t.model_dump() for t in await other.list_tools()]
        assert (await one.call_tool("echo", {"word": "hi"})).data == "hi"


async def test_an_unknown_tool_and_an_unknown_version_are_not_found() -> None:
    async with Client(fixed()) as client:
        with pytest.raises(MCPError, match="Unknown tool: 'shout'"):
            await client.call_tool_mcp("shout", {})
    assert await fixed().get_tool("echo", VersionSpec(eq="2")) is None


async def test_a_header_that_contradicts_the_arguments_is_still_refused() -> None:
    async with asgi_client(fixed(), headers={"Mcp-Param-Word": "bye"}) as client:
        with pytest.raises(MCPError, match="Mcp-Param-Word"):
            await client.call_tool_mcp("echo", {"word": "hi"})
