"""The Login relay page, its chatbot replaced: what it shows at each stage, and when it looks again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import chatbot
from app.chatbot import ChatLink, ChatView
from app.session import Person, Visit
from fastmcp_vault.errors import BackendRefused, BackendUnavailable, Problem
from fastmcp_vault.tracing import Step, Trace
from tests.app.conftest import ALICE, FRAME
from tests.app.test_pages import shown

LINK = ChatLink("http://localhost:5600/login/abc", "BCD-456", 0.0)
FACTS: Mapping[str, Any] = {
    "username": "alice",
    "linked_at": 1_790_000_000.0,
    "refreshed_at": 1_790_000_000.0,
    "offline_refresh_token": "eyJh…abcd",
    "vault_path": "secret/data/chatbot/0f",
    "vault_version": 3,
    "access_token": "",
    "access_expires_at": None,
}


def chat(status: str = "nobody", login: str = "", **more: Any) -> ChatView:
    found: dict[str, Any] = {
        "status": status,
        "ended": "",
        "login": login,
        "failed": "",
        "link": None,
        "facts": FACTS if status == "linked" else {},
        "trace": Trace(id="t-1", action="Login by link", started_at=0.0, steps=[]),
    }
    return ChatView(**{**found, **more})


@pytest.fixture
def page(
    app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[ChatView | Problem], AppTest]:
    asked: list[str] = []

    def show(found: ChatView | Problem, *, who: Person = ALICE) -> AppTest:
        def look(process: object, user: str) -> ChatView | Problem:
            asked.append(user)
            return found

        monkeypatch.setattr(chatbot, "look", look)
        looked_up(Visit(person=who, cookie="opaque"))
        app.run()
        app.switch_page(str(FRAME.parent / "login_relay.py")).run()
        assert not app.exception
        assert asked[-1] == who.sub
        return app

    return show


def buttons(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def test_nobody_signed_in_nothing_to_ask(page: Callable[[ChatView], AppTest]) -> None:
    app = page(chat())
    assert "Nobody is signed in for your chat yet" in shown(app)
    assert "Get a login link" in buttons(app)
    assert not {"Send", "Refresh now"} & buttons(app)


def test_a_link_is_shown_with_its_code_until_it_is_used(page: Callable[[ChatView], AppTest]) -> None:
    app = page(chat(login="issued", link=ChatLink(LINK.login_url, LINK.code, time.time() + 100)))
    assert app.metric[0].value == LINK.code
    assert "Get a login link" not in buttons(app)
    used = page(chat(login="code_accepted"))
    assert "The link is used. Sign in at Keycloak" in shown(used)
    assert not used.metric
    over = page(chat(login="expired"))
    assert "The last link's time is over" in shown(over)
    assert "Get a login link" in buttons(over)


def test_what_the_chatbot_holds_is_shown_as_it_says_masked(page: Callable[[ChatView], AppTest]) -> None:
    text = shown(page(chat("linked", "linked")))
    assert "The demo chatbot acts as alice since" in text
    assert "version 3: `secret/data/chatbot/0f`" in text
    assert "eyJh…abcd" in text


def test_why_it_ended_and_why_a_login_failed(page: Callable[[ChatView], AppTest]) -> None:
    text = shown(page(chat("ended", "failed", ended="Offline session gone.", failed="The chatbot did not take it.")))
    assert "The chatbot needs a new sign-in. Offline session gone." in text
    assert "The last login did not work. The chatbot did not take it." in text


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (BackendUnavailable("Keycloak did not answer the chatbot."), True),
        (BackendRefused("The sign-in is over.", code=chatbot.NEW_LOGIN), False),
    ],
)
def test_a_refusal_is_said_once(
    page: Callable[[ChatView], AppTest], monkeypatch: pytest.MonkeyPatch, problem: Problem, said: bool
) -> None:
    monkeypatch.setattr(chatbot, "refresh", lambda process, user: problem)
    app = page(chat("linked", "linked"))
    app.button(key="relay.refresh").click().run()
    assert (problem.what in shown(app)) is said
    assert problem.what not in shown(app.run())


def test_a_chatbot_that_is_away_is_a_sentence(page: Callable[[Problem], AppTest]) -> None:
    assert "does not answer" in shown(page(BackendUnavailable("The chatbot does not answer.")))


def test_steps_that_do_not_read_as_ours_are_left_out() -> None:
    good = Step(kind="relay-code", started_at=5.0).model_dump(mode="json")
    raw = {"status": "nobody", "login": {"status": "issued"}, "trace_id": "t", "link": None, "person": None}
    found = chatbot._chat({**raw, "steps": [good, {"kind": "made-up"}, 7, {**good, "kind": "x"}]})
    assert [step.kind for step in found.trace.steps] == ["relay-code"]
    assert (found.under_way, found.trace.started_at) == (True, 5.0)
    assert "BCD" not in repr(LINK)
