"""What is compared with: the same tools on a bare FastMCP server with one fixed credential.

Same FastMCP, same HTTP library, same calls to the back end, same result models, stateless streamable HTTP, a process
of its own; nobody is asked who he is, and nothing is fetched from Vault.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import psycopg
import uvicorn
from fastmcp import FastMCP
from psycopg_pool import AsyncConnectionPool

from common.command import run as run_command
from mcp_servers import jira_models, statements
from mcp_servers.jira_models import Issue
from mcp_servers.postgres_models import QueryResult
from mcp_servers.values import adapters

BEGIN = (
    "BEGIN TRANSACTION READ ONLY; SET LOCAL application_name = 'bare'; SET LOCAL statement_timeout = 5000;"
    " SET LOCAL lock_timeout = 5000; SET LOCAL transaction_timeout = 6000; SELECT 1"
)
"""What our own server begins with: the read-only transaction is the tool's promise, whoever runs it."""


def jira() -> FastMCP[None]:
    """``get_issue`` with the credential in ``BARE_EMAIL`` and ``BARE_TOKEN``, at ``BARE_URL``."""
    base = os.environ["BARE_URL"]
    client = httpx2.AsyncClient(
        base_url=base,
        auth=(os.environ["BARE_EMAIL"], os.environ["BARE_TOKEN"]),
        headers={"Accept": "application/json"},
        timeout=5,
        limits=httpx2.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=3),
        trust_env=False,
    )
    mcp: FastMCP[None] = FastMCP("bare jira")

    @mcp.tool
    async def get_issue(issue_key: str) -> Issue:
        """Fetch one Jira issue."""
        response = await client.get(f"/rest/api/3/issue/{issue_key}", params={"fields": jira_models.ISSUE_FIELDS})
        response.raise_for_status()
        return jira_models.issue(response.json(), base)

    return mcp


def postgres() -> FastMCP[None]:
    """``query`` as the one database user in ``BARE_DSN``, by the messages that our own server sends."""
    pool = AsyncConnectionPool(
        os.environ["BARE_DSN"],
        kwargs={"autocommit": True, "prepare_threshold": None, "context": adapters()},
        min_size=0,
        max_size=int(os.environ.get("BARE_CONNECTIONS", "3")),
        reset=_discard,
        open=False,
    )

    @asynccontextmanager
    async def opened(_: FastMCP[None]) -> AsyncIterator[None]:
        async with pool:
            yield

    mcp: FastMCP[None] = FastMCP("bare postgres", lifespan=opened)

    @mcp.tool
    async def query(sql: str, limit: int = 100) -> QueryResult:
        """Run one statement that only reads."""
        async with pool.connection() as connection:
            await connection.execute(BEGIN)
            done = await statements.run(connection, sql, limit=limit, finish=False)
            await connection.execute("ROLLBACK")
        return QueryResult(
            columns=done.columns, types=done.types, rows=done.rows, row_count=len(done.rows), truncated=done.truncated
        )

    return mcp


async def _discard(connection: psycopg.AsyncConnection) -> None:
    await connection.execute("DISCARD ALL")


def main() -> None:
    """Serve one of them on a port, until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare", description="A bare server to compare with.")
    parser.add_argument("kind", choices=["jira", "postgres"])
    parser.add_argument("port", type=int)
    parser.add_argument("--tuned", action="store_true", help="spare it the SDK's tools/list for each call, too")
    options = parser.parse_args()
    logging.getLogger("fastmcp").setLevel(logging.WARNING)
    mcp = {"jira": jira, "postgres": postgres}[options.kind]()
    if options.tuned:
        tools = asyncio.run(mcp.list_tools())
        mcp._mcp_server.get_tool_input_schema = {tool.name: tool.parameters for tool in tools}.get
    app = mcp.http_app(stateless_http=True, json_response=True)
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    sys.exit(run_command(main))
