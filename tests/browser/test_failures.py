"""What people see when a part is down: a sentence on the page that names it, and the rest works."""

from __future__ import annotations

from collections.abc import Callable

from stack.testing import Stack
from tests.support.browser import Visitor, another_app, closed_port
from tests.support.people import Person


def test_an_mcp_server_that_is_down_is_a_sentence_and_the_others_work(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    me.sign_in(person)
    with another_app(stack, MCP_JIRA_URL=f"http://localhost:{closed_port()}/mcp") as elsewhere:
        me.base = elsewhere
        me.open("/")
        me.sees("Jira MCP server: down")
        me.open("/mcp-tools")
        me.load("Jira", "Github")
        me.sees(f"1 of 2 servers act as {person.username}. Jira: The Jira MCP server does not answer.")
        assert "skipped" in me.words()
        assert "Traceback" not in me.words()


def test_keycloak_being_down_is_a_sentence(visitor: Callable[[], Visitor], person: Person, stack: Stack) -> None:
    me = visitor()
    me.sign_in(person)
    with another_app(stack, KEYCLOAK_URL=f"http://localhost:{closed_port()}") as elsewhere:
        me.base = elsewhere
        me.open("/mcp-tools")
        me.page.get_by_role("checkbox", name="Github").check(force=True)
        me.page.get_by_role("button", name="Load Tools").click()
        me.sees("Keycloak")
        me.page.get_by_role("alert").first.wait_for()
        assert "Keycloak" in me.page.get_by_role("alert").first.inner_text()
        assert "Traceback" not in me.words()


def test_the_state_being_down_is_a_sentence(visitor: Callable[[], Visitor], person: Person, stack: Stack) -> None:
    me = visitor()
    me.sign_in(person)
    dsn = f"postgresql://mcp_state:x@localhost:{closed_port()}/mcp_state"
    with another_app(stack, STATE_DSN=dsn) as elsewhere:
        me.base = elsewhere
        me.page.goto(f"{elsewhere}/mcp-tools")
        me.page.get_by_role("alert").first.wait_for()
        assert "shared state" in me.page.get_by_role("alert").first.inner_text()
        assert "Traceback" not in me.words()
