"""Arguments that a tool should not swallow, and requests that no browser of ours would send."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from app.lab.attack import Attack, AttackAnswer, AttackContext, plain_answer, tool_answer
from app.lab.mcp import insist, knock, send, use
from common.logs import MaskingFormatter

_INPUTS, _WEB = "inputs", "web"

OVERSIZED = 1_200_000
"""Bytes; the servers take a megabyte."""

CLEAR_SCREEN = "\x1b[2J"
"""What a terminal takes for an order (ECMA-48, ED)."""

FORGED = "mcp-jira: create_issue was approved"

_WRITE = "INSERT INTO orders (user_id, placed_at) VALUES (1, '1999-01-01')"


async def traversal(shot: AttackContext) -> AttackAnswer:
    """An issue's key that climbs out of the API's path to another endpoint."""
    return await use(shot, "jira", "get_issue", {"issue_key": "../../../rest/api/3/myself"})


async def write_in_query(shot: AttackContext) -> AttackAnswer:
    """A write, dressed as a read, in the tool that only reads."""
    sql = f"WITH made AS ({_WRITE} RETURNING *) SELECT * FROM made"  # noqa: S608 - no input of anybody's
    return await use(shot, "postgres", "query", {"sql": sql})


async def second_statement(shot: AttackContext) -> AttackAnswer:
    """A read that ends the transaction, and a write behind it."""
    return await use(shot, "postgres", "query", {"sql": f"SELECT 1; COMMIT; {_WRITE}"})


async def read_a_file(shot: AttackContext) -> AttackAnswer:
    """The database server's own files."""
    return await use(shot, "postgres", "query", {"sql": "SELECT pg_read_file('/etc/passwd')"})


async def write_a_file(shot: AttackContext) -> AttackAnswer:
    """A file on the database server's disk."""
    return await insist(shot, "postgres", "execute", {"sql": "COPY orders TO '/tmp/orders.csv'"})


async def run_a_program(shot: AttackContext) -> AttackAnswer:
    """A program on the database server."""
    return await insist(shot, "postgres", "execute", {"sql": "COPY orders TO PROGRAM 'id'"})


async def never_end(shot: AttackContext) -> AttackAnswer:
    """A statement that catches its own cancellation and goes on: it would keep one of the database's connections."""
    block = "BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END"
    return await use(shot, "postgres", "query", {"sql": f"DO $$ BEGIN LOOP {block}; END LOOP; END $$"})


async def become_another(shot: AttackContext) -> AttackAnswer:
    """The database's superuser, by changing one's role."""
    return await insist(shot, "postgres", "execute", {"sql": "SET ROLE postgres"})


async def forged_line(shot: AttackContext) -> AttackAnswer:
    """An error whose text goes on as a line of the log, after characters that a terminal obeys.

    PostgreSQL repeats the value, the server's log keeps the error: written here by the very formatter that it uses.
    """
    value = f"x{CLEAR_SCREEN}\n2026-01-01 00:00:00,000 INFO {FORGED}"
    answer = await use(shot, "postgres", "query", {"sql": f"SELECT '{value}'::int"})
    record = logging.LogRecord("lab", logging.INFO, "", 0, "%s", (answer.said,), None)
    line = MaskingFormatter().format(record)
    obeyed = not line.isprintable()
    return AttackAnswer(answer.status, line, answer.through or obeyed, answer.refused and not obeyed)


async def rebound_host(shot: AttackContext) -> AttackAnswer:
    """A page whose name was pointed at this machine: the request arrives, under the attacker's name."""
    return await knock(shot, await shot.arms.server_token("jira"), headers={"Host": "evil.example"})


async def foreign_origin(shot: AttackContext) -> AttackAnswer:
    """A script on another site's page that calls the server from the person's own browser."""
    return await knock(shot, await shot.arms.server_token("jira"), headers={"Origin": "http://evil.example"})


async def oversized(shot: AttackContext) -> AttackAnswer:
    """A request of more than a megabyte."""
    token = await shot.arms.server_token("jira")
    return tool_answer(await send(shot, token, {"method": "tools/list", "params": {"cursor": "x" * OVERSIZED}}))


async def forged_sign_out(shot: AttackContext) -> AttackAnswer:
    """Another site's page that signs the person out of the app."""
    address = f"{shot.targets.app}/auth/logout"
    return plain_answer(await shot.wire.post(address, headers={"Origin": "http://evil.example"}))


async def foreign_socket(shot: AttackContext) -> AttackAnswer:
    """A script on another site's page that opens the app's web socket with the person's cookie."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Origin": f"http://{urlsplit(shot.targets.app).hostname}:1",
    }
    response = await shot.wire.get(f"{shot.targets.app}/_stcore/stream", headers=headers)
    opened = response.status_code == 101
    return AttackAnswer(
        response.status_code, response.text or response.reason_phrase, opened, response.status_code == 403
    )


ATTACKS = (
    Attack("traversal", _INPUTS, "mcp.arguments", "CWE-22", "must look like PROJ-1", traversal),
    Attack("sql-write", _INPUTS, "postgres.read-only", "PostgreSQL: SET TRANSACTION", "25006", write_in_query),
    Attack("sql-two", _INPUTS, "postgres.protocol", "PostgreSQL: extended query protocol", "42601", second_statement),
    Attack("sql-file", _INPUTS, "postgres.rights", "PostgreSQL: predefined roles", "42501", read_a_file),
    Attack("sql-copy", _INPUTS, "postgres.rights", "PostgreSQL: COPY", "42501", write_a_file),
    Attack("sql-program", _INPUTS, "postgres.rights", "PostgreSQL: COPY", "42501", run_a_program),
    Attack("sql-endless", _INPUTS, "postgres.rights", "PostgreSQL: GRANT", "language plpgsql", never_end),
    Attack("sql-role", _INPUTS, "postgres.rights", "PostgreSQL: SET ROLE", "42501", become_another),
    Attack("log-line", _INPUTS, "mcp.lines", "CWE-117, CWE-150", rf"\\x1b\[2J\\n.*{FORGED}", forged_line),
    Attack("host", _WEB, "mcp.host", "MCP: security best practices", "misdirected", rebound_host),
    Attack("origin", _WEB, "mcp.origin", "MCP: Streamable HTTP, security warning", "forbidden origin", foreign_origin),
    Attack("oversized", _WEB, "mcp.size", "RFC 9110 §15.5.14", "too large", oversized),
    Attack(
        "sign-out",
        _WEB,
        "app.origin",
        "OWASP: cross-site request forgery",
        "only from|own pages|this app",
        forged_sign_out,
    ),
    Attack("socket", _WEB, "app.origin", "RFC 6455 §10.2", "", foreign_socket),
)
