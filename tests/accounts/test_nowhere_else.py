"""A grant lies in its person's path in Vault: logs, files, traces, exports, databases and other paths are searched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from psycopg import sql

from app.actions import execute
from fastmcp_vault.tracing.export import as_har, as_json
from stack.testing import Stack
from tests.accounts.at_the_app import Browser
from tests.accounts.at_the_provider import nearly_over, revoke_at_the_provider, stored
from tests.app.serving import cookie_of, process_of
from tests.mcp_servers.callers import Vault, as_superuser, signed_in

ISSUE = ("get_issue", {"issue_key": "PROJ-1"})


def files(stack: Stack) -> Iterator[tuple[str, str]]:
    """Logs, Vault's audit log, and what services keep on disk."""
    for root in (stack.layout.logs, stack.layout.state / "data"):
        for file in (file for file in root.rglob("*") if file.is_file()):
            with suppress(OSError):
                yield str(file), file.read_bytes().decode("utf-8", "replace")


def rows(stack: Stack) -> Iterator[tuple[str, str]]:
    """Every row of every table of every database."""
    with as_superuser(stack) as cluster:
        found = cluster.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
    for (database,) in found:
        with as_superuser(stack, database) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
            for schema, table in tables:
                name = sql.Identifier(schema, table)
                texts = connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(name)).fetchall()
                yield f"{database}.{schema}.{table}", "\n".join(text for (text,) in texts)


def secrets_in_vault(vault: Vault, below: str = "") -> Iterator[tuple[str, str]]:
    """Everything that the KV engine holds; what others delete meanwhile is not there."""
    for name in (vault.found("LIST", f"secret/metadata/{below}") or {"keys": []})["keys"]:
        path = f"{below}{name}"
        if name.endswith("/"):
            yield from secrets_in_vault(vault, path)
        else:
            yield path, json.dumps([vault.found("GET", f"secret/{kind}/{path}") for kind in ("data", "metadata")])


async def test_a_grant_lies_in_its_persons_path_and_nowhere_else(browser: Browser, vault: Vault, stack: Stack) -> None:
    browser.connect("jira")
    caller = await signed_in(stack, browser.person)
    first = stored(vault, browser, "jira")
    shown = [str(await caller.call("jira", *ISSUE, traced=True))]
    nearly_over(vault, browser, "jira")
    shown.append(str(await caller.call("jira", *ISSUE, traced=True, fresh=True)))
    second = stored(vault, browser, "jira")
    looked_for = {pair[name] for pair in (first, second) for name in ("access_token", "refresh_token")}
    assert len(looked_for) == 4, "it was refreshed"
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, browser.person)
        done = await execute(process, cookie, "jira", *ISSUE, fresh=True)
        kinds = {step.kind for step in done.trace.steps}
        assert {"credential", "backend"} <= kinds
        shown += [as_json(done.trace), json.dumps(as_har(done.trace))]
    at_home = [path for path, text in secrets_in_vault(vault) if any(secret in text for secret in looked_for)]
    assert at_home == [f"users/{browser.person.username}/accounts/jira"]
    revoke_at_the_provider(stack, browser, "jira")
    refused = await caller.call("jira", *ISSUE, traced=True, fresh=True)
    assert refused.is_error
    everywhere = looked_for | {secret.encode().hex() for secret in looked_for}
    for text in (*shown, str(refused)):
        assert not any(secret in text for secret in everywhere)
    searched = [*files(stack), *rows(stack)]
    assert {"mcp_state", "keycloak", "shop"} <= {where.partition(".")[0] for where, _ in searched}
    assert [where for where, text in searched if any(secret in text for secret in everywhere)] == []
    assert [path for path, text in secrets_in_vault(vault) if any(secret in text for secret in looked_for)] == []
