"""The Workshop page, its checks replaced: what it shows for what they find, and what only the facilitator sees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import workshop
from app.room import FACILITATOR
from app.session import Person, Visit
from app.workshop import EXERCISES
from app.workshop_checks import ExerciseVerdict
from fastmcp_vault.errors import BackendUnavailable, Problem
from fastmcp_vault.state import Participant, WorkshopProgress
from tests.app.conftest import ALICE, FRAME
from tests.app.test_pages import shown
from tests.app.test_pages import trace as a_trace

CHARLIE = dataclasses.replace(ALICE, username="charlie", roles=frozenset({FACILITATOR}))


class Room:
    """What stands where the logic stands: what was asked of it, and what it finds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.known: dict[str, WorkshopProgress] = {}
        self.found: ExerciseVerdict | Problem = ExerciseVerdict(False, "Not yet.")
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.resets: list[str] = []
        monkeypatch.setattr(workshop, "progress", lambda process, sub: self.known)
        monkeypatch.setattr(workshop, "check", self._check)
        monkeypatch.setattr(
            workshop, "participants", lambda process, cookie: [Participant("id-of-alice", "alice", 3, 1_790_000_000.0)]
        )
        monkeypatch.setattr(workshop, "reset", self._reset)

    def _check(
        self, process: object, cookie: str, exercise: str, given: Mapping[str, str]
    ) -> ExerciseVerdict | Problem:
        self.asked.append((exercise, given))
        if isinstance(self.found, ExerciseVerdict) and self.found.done:
            self.known[exercise] = WorkshopProgress(1_790_000_000.0)
        return self.found

    def _reset(self, process: object, cookie: str, username: str) -> int:
        self.resets.append(username)
        return 1


@pytest.fixture
def page(
    app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[AppTest, Room]]:
    room = Room(monkeypatch)

    def open_page(who: Person = ALICE, **known: WorkshopProgress) -> tuple[AppTest, Room]:
        room.known |= known
        looked_up(Visit(person=who, cookie="opaque"))
        app.run()
        app.switch_page(str(FRAME.parent / "workshop.py")).run()
        assert not app.exception
        return app, room

    return open_page


def expanded(app: AppTest) -> list[str]:
    return [one.label for one in app.expander if one.proto.expanded]


def test_the_first_that_is_not_done_is_open(page: Callable[..., tuple[AppTest, Room]]) -> None:
    app, _ = page(
        **{"sign-in": WorkshopProgress(1_790_000_000.0), "suspend": WorkshopProgress(None, {"server": "jira"})}
    )
    assert len(app.expander) == len(EXERCISES)
    assert [label.partition(" · ")[0] for label in expanded(app)] == ["2"]
    assert "Done at" in shown(app)
    marks = {one.label.partition(" · ")[0]: one.label.partition("badge[")[2] for one in app.expander}
    assert {number: mark for number, mark in marks.items() if mark} == {"1": "Done]", "8": "Half done]"}


def test_what_was_typed_goes_to_the_check_and_what_it_found_is_shown(page: Callable[..., tuple[AppTest, Room]]) -> None:
    app, room = page()
    app.text_input(key="arg.workshop.entity.id").input("abc")
    app.button(key="workshop.check.entity").click().run()
    assert room.asked == [("entity", {"id": "abc"})]
    assert "Not yet." in shown(app)
    room.found = ExerciseVerdict(True, "Right.", trace=a_trace())
    app.button(key="workshop.check.entity").click().run()
    assert "Right." in shown(app)
    assert "Not yet." not in shown(app)
    assert [label for label in expanded(app) if label.startswith("2 ")]
    assert any(e.proto.component_name == "flow" for e in app.get("bidi_component"))


def test_a_part_that_is_down_is_a_sentence_and_no_mark(page: Callable[..., tuple[AppTest, Room]]) -> None:
    app, room = page()
    room.found = BackendUnavailable("The Jira MCP server does not answer.")
    app.button(key="workshop.check.sign-in").click().run()
    assert "The Jira MCP server does not answer." in shown(app)
    assert "Done at" not in shown(app)


def test_all_done_is_said(page: Callable[..., tuple[AppTest, Room]]) -> None:
    app, _ = page(**{exercise.id: WorkshopProgress(1_790_000_000.0) for exercise in EXERCISES})
    assert "All of them." in shown(app)
    assert expanded(app) == []


def test_only_the_facilitator_has_the_reset(page: Callable[..., tuple[AppTest, Room]]) -> None:
    app, room = page()
    assert "workshop.reset.do" not in [button.key for button in app.button]
    app, room = page(CHARLIE)
    assert f"3 / {len(EXERCISES)}" in shown(app)
    app.button(key="workshop.reset.do").click().run()
    assert room.resets == [], "nobody is reset by one press"
    app.selectbox(key="pick.reset").select("id-of-alice")
    app.button(key="workshop.reset.do").click().run()
    assert room.resets == ["id-of-alice"]
    assert "Progress forgotten for 1." in shown(app)


def test_every_exercise_has_its_words(page: Callable[..., tuple[AppTest, Room]]) -> None:
    app, _ = page()
    labels = [one.label for one in app.expander]
    assert [label.partition(" · ")[0] for label in labels] == [str(n + 1) for n in range(len(EXERCISES))]
    answers: dict[str, Any] = {one.id: [field.id for field in one.fields] for one in EXERCISES if one.fields}
    asked = {str(widget.key) for kind in (app.text_input, app.radio) for widget in kind}
    assert {f"arg.workshop.{name}.{field}" for name, fields in answers.items() for field in fields} <= asked
