"""What was typed into a tool's form survives an outage and the session's end: for its person, once, for nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import drafts
from app.actions import ServerView, load_tools
from app.forms import FormField, fields
from app.mcp_client import Tool
from app.process import AppProcess
from app.session import Person, Visit
from common.servers import MCP_SERVERS
from fastmcp_vault.errors import StateUnavailable
from stack.testing import Stack
from tests.app.conftest import ALICE, FRAME, Straight
from tests.app.serving import cookie_of, process_of
from tests.app.test_pages import VIEW, credential, load, loaded, shown
from tests.support.people import Person as Somebody

LONG = '이 문장은 깁니다. A long text, with "quotes" and `ticks`.\n' * 32
BOB = Person("bob", "bob@example.com", "9z", "s-2", ALICE.signed_in_at)
ALICE_AGAIN = Person("alice-kim", "alice@example.com", ALICE.sub, "s-9", ALICE.signed_in_at + 100)
"""Renamed since, and in another session: the same person."""

CREATE = Tool(
    "create_issue",
    "Create an issue.",
    {
        "required": ["summary"],
        "properties": {
            "summary": {"type": "string"},
            "description": {"type": "string"},
            "limit": {"type": "integer", "default": 5, "minimum": 1, "maximum": 50},
        },
    },
    read_only=False,
    destructive=False,
)
KEY = "arg.jira.create_issue."

Looks = Callable[[Visit], None]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is kept, by the person's user id: as the app hands it to the state, and takes it from there."""
    kept: dict[str, str] = {}

    def keep(process: AppProcess, sub: str, typed: drafts.Typed) -> bool:
        kept[sub] = json.dumps(typed)
        return True

    def take(process: AppProcess, sub: str) -> drafts.Typed:
        return dict(json.loads(kept.pop(sub, "{}")))

    monkeypatch.setattr(drafts, "keep", keep)
    monkeypatch.setattr(drafts, "take", take)
    return kept


@pytest.fixture
def form(tools: AppTest, store: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """alice's form, filled in and not sent."""
    views = ServerView("jira", [CREATE], credential(True)), ServerView("github", [CREATE], credential(True))
    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(*views))
    monkeypatch.setattr(f"{VIEW}.execute", lambda *_, **__: pytest.fail("nothing may be sent"))
    load(tools, "jira", "github")
    tools.text_input(key=f"{KEY}summary").set_value("Printer")
    tools.text_area(key=f"{KEY}description").set_value(LONG)
    tools.number_input(key=f"{KEY}limit").set_value(20)
    return tools


def press(page: AppTest) -> AppTest:
    return page.button(key="execute.jira.create_issue").click().run()


def new_tab(looked_up: Looks, person: Person) -> AppTest:
    looked_up(Visit(person=person, cookie="another"))
    page = AppTest.from_file(str(FRAME), default_timeout=20).run()
    return page.switch_page(str(FRAME.parent / "mcp_tools.py")).run()


def test_what_was_typed_comes_back_to_the_same_person_once(
    form: AppTest, looked_up: Looks, store: dict[str, str]
) -> None:
    looked_up(Visit(ended=True))
    press(form)
    assert "Your session has ended. Sign in again." in shown(form)
    assert "What you typed is kept for an hour, encrypted." in shown(form)
    assert LONG not in json.dumps([str(v) for k, v in form.session_state.to_dict().items() if k != "visit"])
    form.run()
    assert "What you typed is kept for an hour, encrypted." in shown(form), "said as long as it is so"
    assert set(store) == {ALICE.sub}

    back = new_tab(looked_up, ALICE_AGAIN)
    assert not back.exception
    assert back.text_area(key=f"{KEY}description").value == LONG
    assert back.text_input(key=f"{KEY}summary").value == "Printer"
    assert back.number_input(key=f"{KEY}limit").value == 20
    assert [e.label for e in back.get("expander") if e.proto.expanded] == ["create_issue"]
    assert shown(back).count("This is what you had typed.") == 1, "at the one tool"
    assert store == {}

    other = new_tab(looked_up, ALICE_AGAIN)
    assert LONG not in shown(other)
    assert not other.get("expander")


def test_another_person_at_that_browser_gets_nothing_and_learns_nothing(
    form: AppTest, looked_up: Looks, store: dict[str, str]
) -> None:
    untouched = shown(new_tab(looked_up, BOB))
    looked_up(Visit(ended=True))
    press(form)
    looked_up(Visit(person=BOB, cookie="other"))
    same_tab, other_tab = form.run(), new_tab(looked_up, BOB)
    for page in (same_tab, other_tab):
        assert shown(page) == untouched
        assert "Printer" not in json.dumps([str(v) for v in page.session_state.to_dict().values()])
    assert set(store) == {ALICE.sub}
    assert new_tab(looked_up, ALICE).text_area(key=f"{KEY}description").value == LONG


def test_an_outage_at_the_press_loses_nothing(form: AppTest, looked_up: Looks, store: dict[str, str]) -> None:
    looked_up(Visit(problem=StateUnavailable("away")))
    press(form)
    form.run()
    assert store == {}
    looked_up(Visit(person=ALICE, cookie="opaque"))
    form.run()
    assert form.text_area(key=f"{KEY}description").value == LONG
    assert form.number_input(key=f"{KEY}limit").value == 20


def test_a_draft_that_no_longer_fits_its_form_fills_what_it_can(
    form: AppTest, looked_up: Looks, store: dict[str, str]
) -> None:
    odd = {f"{KEY}summary": "good", f"{KEY}description": 5, f"{KEY}limit": 5000, f"{KEY}gone": "x", "pick.jira": "x"}
    store[ALICE.sub] = json.dumps(odd)
    page = new_tab(looked_up, ALICE)
    assert not page.exception
    assert page.text_input(key=f"{KEY}summary").value == "good"
    assert (page.text_area(key=f"{KEY}description").value, page.number_input(key=f"{KEY}limit").value) == ("", 5)


def test_the_state_away_at_either_end_is_no_new_failure(
    form: AppTest, looked_up: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "keep", lambda *_: StateUnavailable("away"))
    monkeypatch.setattr(drafts, "take", lambda *_: StateUnavailable("away"))
    looked_up(Visit(ended=True))
    press(form)
    assert "What you typed is kept" not in shown(form)
    assert "Your session has ended" in shown(form)
    assert not new_tab(looked_up, ALICE).exception


def typed(field: FormField) -> Any:
    """Something that a person may put into this field, other than its default."""
    if field.kind == "choice":
        return next(choice for choice in field.choices if choice != field.default)
    if field.kind == "boolean":
        return not field.default
    if field.kind in {"integer", "number"}:
        return next(
            n for n in (7, 3, 1) if n != field.default and n <= (field.maximum or n) and n >= (field.minimum or n)
        )
    return LONG if field.kind in {"area", "json"} else "typed"


@pytest.fixture
async def every_tool(stack: Stack, person: Somebody) -> dict[str, ServerView]:
    async with process_of(stack) as process:
        done = await load_tools(process, await cookie_of(process, stack, person), MCP_SERVERS)
    return dict(done.views)


def widgets(page: AppTest) -> dict[str, Any]:
    kinds = (page.text_input, page.text_area, page.number_input, page.selectbox, page.checkbox)
    return {str(widget.key): widget for kind in kinds for widget in kind}


async def test_the_form_of_every_tool_comes_back(
    every_tool: dict[str, ServerView],
    tools: AppTest,
    looked_up: Looks,
    store: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{VIEW}.load_tools", loaded(*every_tool.values()))
    load(tools, *MCP_SERVERS)
    page, tried = tools, set()
    for server, view in every_tool.items():
        for tool in view.tools:
            wanted = {f"arg.{server}.{tool.name}.{field.name}": typed(field) for field in fields(tool.schema)}
            if not wanted:
                continue
            for key, widget in widgets(page).items():
                if key in wanted:
                    widget.set_value(wanted[key])
            looked_up(Visit(ended=True))
            page.button(key=f"execute.{server}.{tool.name}").click().run()
            page = new_tab(looked_up, ALICE_AGAIN)
            assert not page.exception
            found = widgets(page)
            assert {key: found[key].value for key in wanted} == wanted
            assert [e.label for e in page.get("expander") if e.proto.expanded] == [tool.name]
            load(page, *MCP_SERVERS)
            tried.add(server)
    assert tried == set(MCP_SERVERS)


async def test_what_is_too_large_is_not_kept() -> None:
    class Refusing:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    process: Any = SimpleNamespace(state=Refusing(), settings=SimpleNamespace(issuer="x"), loop=Straight())
    assert not await drafts.keep(process, "1a", {"arg.jira.create_issue.description": "x" * drafts.LIMIT})
