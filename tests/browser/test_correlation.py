"""One click in the browser, and its line in the log of every part that had to do with it."""

from __future__ import annotations

from collections.abc import Callable

from stack.testing import Stack
from tests.support.browser import Visitor
from tests.support.logs import audited, found
from tests.support.people import Person


def test_one_click_is_found_in_every_log(visitor: Callable[[], Visitor], person: Person, stack: Stack) -> None:
    me, logs = visitor(), stack.layout.logs
    me.sign_in(person)
    me.load("Jira", "PostgreSQL")
    me.press_for_trace(me.tool("jira", "list_projects").get_by_role("button", name="Execute"))
    me.press_for_trace(me.page.get_by_role("button", name="Run again without reuse"))
    click = me.trace_id()
    assert found(logs / "mcp-jira.log", click, saying=f"list_projects for {person.username} done")
    vault = audited(stack, click)
    for path in ("auth/jwt/login", f"secret/data/users/{person.username}/jira"):
        assert vault[path]["auth"]["metadata"]["username"] == person.username
    assert [line for line in found(logs / "mock.log", click) if " 200 " in line]

    me.press_for_trace(me.tool("postgres", "list_tables").get_by_role("button", name="Execute"))
    click = me.trace_id()
    assert found(logs / "mcp-postgres.log", click, saying=f"list_tables for {person.username}")
    assert [line for line in found(logs / "postgres.log", click) if f"-{person.username}-" in line]
    me.sign_out()
