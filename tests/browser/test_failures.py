"""What people see when a part is down: a sentence on the page that names it, and the rest works."""

from __future__ import annotations

import re
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
        me.load("Jira", "GitHub")
        me.sees(f"1 of 2 servers act as {person.username}. Jira: The Jira MCP server does not answer.")
        assert "skipped" in me.words()
        assert "Traceback" not in me.words()


def test_keycloak_being_down_is_a_sentence(visitor: Callable[[], Visitor], person: Person, stack: Stack) -> None:
    me = visitor()
    me.sign_in(person)
    with another_app(stack, KEYCLOAK_URL=f"http://localhost:{closed_port()}") as elsewhere:
        me.base = elsewhere
        me.open("/mcp-tools")
        me.page.get_by_role("checkbox", name="GitHub").check(force=True)
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


def test_a_korean_page_tells_what_failed_in_korean(visitor: Callable[[], Visitor], bob: Person, stack: Stack) -> None:
    me = visitor()
    me.sign_in(bob)
    me.open("/mcp-tools?lang=ko")
    me.page.get_by_role("checkbox", name="Jira").check(force=True)
    me.press_for_trace(me.page.get_by_role("button", name="도구 불러오기"))
    me.sees("bob의 Jira 자격 증명이 없습니다. Vault의 secret/data/users/bob/jira에 아무것도 없습니다.")
    me.sees("관리자가 Vault의 secret/users/bob/jira에 필드")
    me.sees("조치: 앱의 My secrets 페이지에서 본인의 Atlassian 계정을 연결하십시오. 또는: 관리자가 Vault의")
    assert not re.search("An administrator|has no Jira credential", me.words())
    away = f"http://localhost:{closed_port()}"
    with another_app(stack, VAULT_ADDR=away) as elsewhere:
        me.base = elsewhere
        me.open("/my-secrets?lang=ko")
        me.sees("에 연결할 수 없습니다(작업: ")
        me.sees("로 Vault가 실행 중인지")
        assert not re.search("cannot be reached|says whether", me.words())
        assert "Traceback" not in me.words()
