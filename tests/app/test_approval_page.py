"""The dialog over the tools and the page behind a link: what is shown, what is sent, and what each standing says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.actions import ActionDone, ServerView
from app.approvals import ApprovalGone, Waiting
from app.mcp_client import ApprovalAsked, Reply, Tool, ToolAnswer
from app.session import Visit
from app.texts import catalogue
from fastmcp_vault.errors import ToolRefused
from tests.app.conftest import ALICE, FRAME
from tests.app.test_pages import credential, load, loaded, shown, trace

ADD = Tool("add_comment", "Add a comment.", {"type": "object", "properties": {}}, read_only=False, destructive=False)
FACTS = {
    "tool": "add_comment",
    "title": "Jira",
    "username": "alice",
    "client": "mcp-demo-app",
    "path": "secret/data/users/alice/jira",
    "credential": "demo…lice",
    "credential_until": 1_790_000_300.0,
    "expires_at": 1_790_000_200.0,
    "arguments": '{"body": "[x](javascript:alert)"}',
}


@pytest.fixture
def replies(tools: AppTest, monkeypatch: pytest.MonkeyPatch) -> list[Reply | None]:
    """A server that asks first, and what it was answered."""
    got: list[Reply | None] = []

    def execute(*_: Any, fresh: bool = False, reply: Reply | None = None) -> ActionDone:
        got.append(reply)
        if reply is None:
            return ActionDone(trace(), answer=ToolAnswer(None, "", asked=ApprovalAsked(FACTS, "sealed")))
        if reply.approve:
            return ActionDone(trace(), answer=ToolAnswer({"id": "17"}, ""))
        return ActionDone(trace(), problem=ToolRefused("alice refused add_comment; nothing was changed."))

    monkeypatch.setattr("app.view.tools_view.load_tools", loaded(ServerView("jira", [ADD], credential(True))))
    monkeypatch.setattr("app.view.tools_view.execute", execute)
    load(tools, "jira")
    tools.button(key="execute.jira.add_comment").click().run()
    assert not tools.exception
    return got


def test_the_dialog_shows_the_facts_before_anything_is_done(tools: AppTest, replies: list[Reply | None]) -> None:
    page = shown(tools)
    for fact in (
        "waits for alice's yes",
        "add_comment at Jira",
        "secret/data/users/alice/jira",
        "demo…lice",
    ):
        assert fact in page
    assert [code.value for code in tools.code] == [FACTS["arguments"]]
    assert replies == [None]


def test_yes_and_no_are_sent_as_answers_to_that_very_question(tools: AppTest, replies: list[Reply | None]) -> None:
    tools.button(key="approve.no").click().run()
    assert replies[-1] == Reply(ApprovalAsked(FACTS, "sealed"), approve=False)
    assert "alice refused add_comment; nothing was changed." in shown(tools)
    tools.button(key="execute.jira.add_comment").click().run()
    tools.button(key="approve.yes").click().run()
    assert replies[-1] == Reply(ApprovalAsked(FACTS, "sealed"), approve=True)
    assert "add_comment ran at Jira as alice" in shown(tools)


def test_a_dialog_that_was_closed_can_be_opened_again(tools: AppTest, replies: list[Reply | None]) -> None:
    tools.session_state["kept"].asking = None
    tools.run()
    assert not [button for button in tools.button if button.key == "approve.yes"]
    tools.button(key="answer.jira.add_comment").click().run()
    tools.button(key="approve.yes").click().run()
    assert replies[-1] is not None
    assert replies[-1].approve


@pytest.mark.parametrize(
    ("link", "offered"),
    [("http://localhost:8501/approve?id=abc", True), ("http://localhost:8501.evil.example/approve?id=abc", False)],
)
def test_what_needs_another_sign_in_is_answered_there_and_then_goes_on_here(
    tools: AppTest, monkeypatch: pytest.MonkeyPatch, link: str, offered: bool
) -> None:
    calls: list[Reply | None] = []

    def execute(*_: Any, fresh: bool = False, reply: Reply | None = None) -> ActionDone:
        calls.append(reply)
        first = ToolAnswer(None, "", asked=ApprovalAsked(FACTS, "sealed", link))
        return ActionDone(trace(), answer=first if len(calls) == 1 else ToolAnswer({"id": "17"}, ""))

    monkeypatch.setattr("app.view.tools_view.load_tools", loaded(ServerView("jira", [ADD], credential(True))))
    monkeypatch.setattr("app.view.tools_view.execute", execute)
    load(tools, "jira")
    tools.button(key="execute.jira.add_comment").click().run()
    assert not [button for button in tools.button if button.key == "approve.yes"], "a yes here would fail"
    assert [button.proto.url for button in tools.get("link_button")] == ([link] if offered else [])
    tools.button(key="approve.go-on").click().run()
    assert calls == [None, None]
    assert "add_comment ran at Jira as alice" in shown(tools)


@pytest.fixture
def page(app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The page of a link, for a question in this standing."""
    looked_up(Visit(person=ALICE, cookie="opaque"))

    def opened(found: Waiting | ApprovalGone) -> AppTest:
        monkeypatch.setattr("app.view.approval_view.waiting", lambda process, cookie, approval_id: found)
        app.run()
        app.query_params["id"] = "abc"
        return app.switch_page(str(FRAME.parent / "approve.py")).run()

    return opened


def of(status: str, **more: Any) -> Waiting:
    known = {"facts": FACTS, "login_age": 0, "login_needed": False, **more}
    return Waiting("mcp-jira", "add_comment", status, **known)


def test_a_link_shows_the_facts_and_sends_the_answer(
    page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, bool]] = []

    def decide(process: Any, cookie: str, approval_id: str, *, approve: bool) -> None:
        said.append((approval_id, approve))

    monkeypatch.setattr("app.view.approval_view.decide", decide)
    found = page(of("pending"))
    assert not found.exception
    assert "secret/data/users/alice/jira" in shown(found)
    found.button(key="approve.yes").click().run()
    found.button(key="approve.no").click().run()
    assert said == [("abc", True), ("abc", False)]


def test_a_name_that_a_program_chose_is_marked_so_escaped_and_never_without_its_id(
    page: Callable[..., AppTest],
) -> None:
    facts = FACTS | {"client": "1f1894d2-0d5c-4d0e-9d0f-000000000001"}
    found = page(of("pending", facts=facts, client_name="**Your bank**"))
    assert "a name that this program chose itself" in shown(found)
    assert str(facts["client"]) in shown(found)
    cells = [str(cell) for element in found.table for cell in element.value.to_numpy().flatten()]
    assert [cell for cell in cells if r"\*\*Your bank\*\*" in cell], cells


def test_a_policy_that_wants_a_fresh_sign_in_offers_no_yes_before_it(page: Callable[..., AppTest]) -> None:
    found = page(of("pending", login_age=60, login_needed=True))
    assert "within 60 seconds of signing in" in shown(found)
    assert [button.key for button in found.button if str(button.key).startswith("approve.")] == ["approve.no"]
    (link,) = found.get("link_button")
    assert link.proto.url == "/auth/login?fresh=1&next=%2Fapprove%3Fid%3Dabc"


def test_a_policy_that_wants_a_stronger_sign_in_names_it_and_asks_keycloak_for_that(
    page: Callable[..., AppTest],
) -> None:
    found = page(of("pending", login_age=300, acr="two-factor", level_needed=True, login_needed=True))
    assert "stronger sign-in: your password, typed anew for it, and a one-time code" in shown(found)
    assert [button.key for button in found.button if str(button.key).startswith("approve.")] == ["approve.no"]
    (link,) = found.get("link_button")
    assert link.proto.url == "/auth/login?level=two-factor&next=%2Fapprove%3Fid%3Dabc"
    old = page(of("pending", login_age=300, acr="two-factor", login_needed=True))
    assert "within 300 seconds of signing in" in shown(old)
    (link,) = old.get("link_button")
    assert link.proto.url == "/auth/login?level=two-factor&next=%2Fapprove%3Fid%3Dabc"


@pytest.mark.parametrize("status", ["approved", "refused", "used", "expired"])
def test_what_is_settled_says_so_and_asks_nothing(page: Callable[..., AppTest], status: str) -> None:
    found = page(of(status, facts={}))
    said = catalogue("en")[f"approve.is.{status}"].format(tool="add_comment", server="mcp-jira")
    assert said in shown(found)
    assert not [button for button in found.button if str(button.key).startswith("approve.")]


def test_what_is_not_this_persons_is_not_shown(page: Callable[..., AppTest]) -> None:
    found = page(ApprovalGone("There is nothing here that you can answer.", fix="Make the call again."))
    assert "nothing here that you can answer" in shown(found)
    assert "users/alice" not in shown(found)
