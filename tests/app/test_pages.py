"""What the pages show for what happened: verdict first, a sentence for every failure, nobody else's data."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.actions import ActionDone, ServerView
from app.health import PartHealth
from app.mcp_client import Tool, ToolAnswer
from app.session import Person, Visit
from fastmcp_vault.errors import CredentialMissing, Problem, ServerUnavailable, SessionEnded, StateUnavailable
from fastmcp_vault.tracing import Recorder, Trace, recording, skipped, step
from tests.app.conftest import ALICE, FRAME

VIEW = "app.view.tools_view"

SCHEMA = {
    "type": "object",
    "required": ["issue_key"],
    "properties": {
        "issue_key": {"type": "string"},
        "limit": {"type": "integer", "default": 5, "minimum": 1, "maximum": 50},
        "state": {"enum": ["open", "closed"], "default": "open"},
        "body": {"type": "string", "maxLength": 9000},
        "loud": {"type": "boolean", "default": True},
    },
}

GET_ISSUE = Tool("get_issue", "Fetch one issue.", SCHEMA, read_only=True, destructive=False)


def credential(present: bool, **more: Any) -> dict[str, Any]:
    return {
        "user_id": "1a2b-3c",
        "username": "alice",
        "entity": "alice",
        "vault_path": "secret/data/users/alice/jira",
        "masked_credential": "demo…lice",
        "present": present,
        **more,
    }


def trace(*, failing: Problem | None = None) -> Trace:
    recorder = Recorder("Jira: get_issue")
    with recording(recorder):
        with step("jwt") as opened:
            opened.detail(claims={"sub": "1a2b-3c", "exp": time.time() + 200})
        try:
            with step("credential", server="jira") as opened:
                opened.say("Read at the path.")
                if failing:
                    raise failing
        except Problem:
            skipped("backend", "Not reached.", server="jira")
    return recorder.trace


def loaded(*views: ServerView) -> Callable[..., ActionDone]:
    return lambda process, cookie, servers, fresh=False: ActionDone(trace(), {view.server: view for view in views})


def shown(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.error, app.warning, app.success, app.info, app.title, app.text)
    texts = [str(element.value) for kind in kinds for element in kind]
    texts += [str(cell) for element in app.table for cell in element.value.to_numpy().flatten()]
    return "\n".join(text.replace("\\", "") for text in texts)


def drawn(app: AppTest) -> dict[str, Any]:
    """What the trace's component was given to draw."""
    for element in app.get("bidi_component"):
        if element.proto.component_name == "flow":
            found: dict[str, Any] = json.loads(element.proto.json)
            return found
    raise AssertionError("no trace is drawn")


def load(tools: AppTest, *servers: str) -> AppTest:
    for server in servers:
        tools.checkbox(key=f"pick.{server}").check()
    return tools.button(key="load").click().run()


def test_home_says_what_this_is_and_that_nobody_is_signed_in(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert app.title[0].value == "Remote tools that act as you"
    assert "You are not signed in" in shown(app)


def test_home_says_who_is_signed_in(app: AppTest, looked_up: Callable[[Visit], None]) -> None:
    looked_up(Visit(person=ALICE, cookie="opaque"))
    app.run()
    assert not app.exception
    assert not app.error
    page = shown(app)
    assert "`1a2b-3c`" in page
    assert "`alice@example.com`" in page
    assert [link.value for link in app.get("page_link")] == ["Open MCP tools"]


def test_home_names_the_fix_beside_what_is_down(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        PartHealth("vault", "Vault", True, "x"),
        PartHealth("keycloak", "Keycloak", False, "Look at `./demo logs keycloak`."),
    ]
    monkeypatch.setattr("app.health.parts", lambda process: found)
    app.run()
    assert "1 of 2 parts need attention" in shown(app)
    assert "`./demo logs keycloak`" in shown(app)


def test_a_session_that_has_ended_is_said_and_the_page_stops(app: AppTest, looked_up: Callable[[Visit], None]) -> None:
    looked_up(Visit(ended=True))
    app.run()
    app.switch_page(str(FRAME.parent / "mcp_tools.py")).run()
    assert app.warning[0].value == "Your session has ended. Sign in again."
    assert not app.checkbox


def test_a_state_that_is_down_is_a_sentence(app: AppTest, looked_up: Callable[[Visit], None]) -> None:
    looked_up(Visit(problem=StateUnavailable("The shared state does not answer.", fix="Wait.")))
    app.run()
    app.switch_page(str(FRAME.parent / "mcp_tools.py")).run()
    assert "The shared state does not answer" in shown(app)
    assert not app.exception


def test_the_three_servers_are_offered_by_their_names(tools: AppTest) -> None:
    assert [box.label for box in tools.checkbox] == ["Jira", "GitHub", "PostgreSQL"]
    assert tools.button(key="load").label == "Load Tools"


def test_loading_nothing_asks_for_a_server(tools: AppTest) -> None:
    assert "Pick at least one server" in shown(load(tools))


def test_the_verdict_comes_first_and_names_who_lacks_what(tools: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    github = ServerView("github", [], credential(True))
    jira = ServerView("jira", [GET_ISSUE], credential(False, reason="Nothing at secret/data/users/alice/jira."))
    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(jira, github))
    load(tools, "jira", "github")
    assert not tools.exception
    verdict = tools.warning[0].value.replace("\\", "")
    assert verdict.startswith("1 of 2 servers act as alice. Jira: no credential for alice — Nothing at secret/data")
    assert "`secret/data/users/alice/jira`" in shown(tools)


def test_a_server_that_is_down_is_a_sentence_and_the_others_work(
    tools: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = ServerView("jira", problem=ServerUnavailable("The Jira MCP server does not answer.", fix="Look."))
    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(down, ServerView("github", [GET_ISSUE], credential(True))))
    load(tools, "jira", "github")
    assert "1 of 2 servers act as alice. Jira: The Jira MCP server does not answer. Look." in shown(tools)
    assert tools.button(key="execute.github.get_issue").label == "Execute"


def test_execute_sends_what_was_typed_and_shows_the_result(tools: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def execute(process: Any, cookie: str, server: str, tool: str, given: Any, *, fresh: bool = False) -> ActionDone:
        asked.append((cookie, server, tool, dict(given), fresh))
        return ActionDone(trace(), answer=ToolAnswer({"key": "PROJ-1", "summary": "Hello"}, ""))

    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(ServerView("jira", [GET_ISSUE], credential(True))))
    monkeypatch.setattr(f"{VIEW}.execute", execute)
    load(tools, "jira")
    tools.text_input(key="arg.jira.get_issue.issue_key").set_value("PROJ-1")
    tools.button(key="execute.jira.get_issue").click().run()
    assert not tools.exception
    sent = {"issue_key": "PROJ-1", "limit": 5, "state": "open", "loud": True}
    assert asked == [("opaque", "jira", "get_issue", sent, False)]
    assert "Hello" in shown(tools)
    assert "get_issue ran at Jira as alice" in shown(tools)
    tools.button(key="again").click().run()
    assert asked[-1] == ("opaque", "jira", "get_issue", sent, True)


def test_an_empty_parameter_is_named_and_nothing_is_sent(tools: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(ServerView("jira", [GET_ISSUE], credential(True))))
    monkeypatch.setattr(f"{VIEW}.execute", lambda *a, **k: pytest.fail("nothing may be sent"))
    load(tools, "jira")
    tools.button(key="execute.jira.get_issue").click().run()
    assert "issue_key is empty. Fill it in" in tools.error[0].value.replace("\\", "")


def test_a_refusal_is_a_sentence_in_the_tool_and_in_the_trace(tools: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = CredentialMissing("There is no Jira credential for alice.", fix="An administrator adds it.")
    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(ServerView("jira", [GET_ISSUE], credential(True))))
    monkeypatch.setattr(f"{VIEW}.execute", lambda *a, **k: ActionDone(trace(failing=missing), problem=missing))
    load(tools, "jira")
    tools.text_input(key="arg.jira.get_issue.issue_key").set_value("PROJ-1")
    tools.button(key="execute.jira.get_issue").click().run()
    page = shown(tools)
    assert "get_issue at Jira did not run: There is no Jira credential for alice." in page
    steps = {step["id"]: step for step in drawn(tools)["steps"]}
    assert steps["credential"]["status"] == "failed"
    assert steps["credential"]["fix"] == "What to do: An administrator adds it."
    assert steps["backend"]["status"] == "skipped"


def test_a_link_to_a_step_says_what_it_is_before_there_is_a_trace(tools: AppTest) -> None:
    tools.query_params["step"] = "vault-login"
    tools.run()
    page = shown(tools)
    assert "**5 · Log in to Vault as this person, through this server**" in page
    assert "[Vault JWT auth method](https://developer.hashicorp.com/" in page
    tools.query_params["step"] = "<script>"
    tools.run()
    assert not tools.exception
    assert "script" not in shown(tools)


def test_the_trace_can_be_taken_away_as_json_and_har(tools: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(ServerView("jira", [GET_ISSUE], credential(True))))
    load(tools, "jira")
    assert [button.label for button in tools.get("download_button")] == ["JSON", "HAR"]


def test_a_session_that_ends_under_way_sends_the_person_to_sign_in(
    tools: AppTest, monkeypatch: pytest.MonkeyPatch, looked_up: Callable[[Visit], None]
) -> None:
    def ends(*_: Any, **__: Any) -> ActionDone:
        looked_up(Visit(ended=True))
        return ActionDone(trace(), problem=SessionEnded("over"))

    monkeypatch.setattr(f"{VIEW}.load_tools", ends)
    load(tools, "jira")
    assert tools.warning[0].value == "Your session has ended. Sign in again."


def test_what_one_person_loaded_is_gone_when_another_looks(
    tools: AppTest, monkeypatch: pytest.MonkeyPatch, looked_up: Callable[[Visit], None]
) -> None:
    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(ServerView("jira", [GET_ISSUE], credential(True))))
    load(tools, "jira")
    assert "demo…lice" in shown(tools)
    looked_up(Visit(person=Person("bob", "bob@example.com", "9z", "s-2", ALICE.signed_in_at), cookie="other"))
    tools.run()
    assert "alice" not in shown(tools)
    assert not tools.checkbox(key="pick.jira").value
    assert "alice" not in json.dumps([str(v) for k, v in tools.session_state.to_dict().items() if k != "visit"])
