"""The Workshop page, its checks replaced: what it shows for what they find, and what only the facilitator sees."""

from __future__ import annotations

import dataclasses
import time
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
from fastmcp_vault.state import FailedCheck, Participant, WorkshopBoard, WorkshopProgress
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
        self.board = WorkshopBoard()
        stuck = FailedCheck("entity", 4, time.time() - 130, "Your entity at Vault has another id.")
        people = [
            Participant("id-of-alice", "alice", 3, 1_790_000_000.0, "bob"),
            Participant("id-of-bob", "bob", 2, None, "entity", stuck),
        ]
        monkeypatch.setattr(workshop, "participants", lambda process, cookie: people)
        monkeypatch.setattr(workshop, "standing", lambda process, cookie: {"entity": 1})
        monkeypatch.setattr(workshop, "board", lambda process: self.board)
        monkeypatch.setattr(workshop, "set_timer", lambda process, cookie, minutes: self._show(ends_at=minutes))
        monkeypatch.setattr(workshop, "show_answers", lambda process, cookie, chosen: self._show(answers=tuple(chosen)))
        monkeypatch.setattr(workshop, "reset", self._reset)

    def _check(
        self, process: object, cookie: str, exercise: str, given: Mapping[str, str]
    ) -> ExerciseVerdict | Problem:
        self.asked.append((exercise, given))
        if isinstance(self.found, ExerciseVerdict) and self.found.done:
            self.known[exercise] = WorkshopProgress(1_790_000_000.0)
        return self.found

    def _show(self, *, ends_at: int | None = None, answers: tuple[str, ...] | None = None) -> None:
        if ends_at is not None:
            self.board = dataclasses.replace(self.board, ends_at=time.time() + ends_at * 60 if ends_at else None)
        if answers is not None:
            self.board = dataclasses.replace(self.board, answers=answers)

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


def test_the_facilitator_sees_who_is_stuck_and_shows_time_and_answers_to_everybody(
    page: Callable[..., tuple[AppTest, Room]],
) -> None:
    app, room = page(CHARLIE)
    stuck = app.table[0].value.to_dict("records")[0]
    assert stuck["Who"] == "bob", "who is stuck comes first"
    assert (stuck["At"], "failed 4×, 2 min ago" in stuck["Stuck"], "another id" in stuck["Stuck"]) == ("2", True, True)
    app.number_input(key="pick.timer.minutes").set_value(25)
    app.button(key="workshop.timer.start").click().run()
    assert room.board.ends_at is not None
    assert room.board.ends_at == pytest.approx(time.time() + 25 * 60, abs=60)
    app.multiselect(key="pick.answers").select("bob")
    app.button(key="workshop.answers.show").click().run()
    assert room.board.answers == ("bob",)
    app.toggle(key="pick.projector").set_value(True).run()
    assert not app.exception
    assert not app.table
    assert "alice" not in shown(app), "no names on the wall"
    assert any(e.proto.component_name == "countdown" for e in app.get("bidi_component"))


def test_what_the_facilitator_shows_is_seen_by_everybody(page: Callable[..., tuple[AppTest, Room]]) -> None:
    app, room = page()
    assert "secret/data/users/bob/jira" not in shown(app)
    assert "pick.projector" not in [toggle.key for toggle in app.toggle]
    room.board = WorkshopBoard(time.time() + 600, ("bob",))
    app.run()
    assert "secret/data/users/bob/jira" in shown(app)
    assert any(e.proto.component_name == "countdown" for e in app.get("bidi_component"))


def test_every_exercise_has_its_words(page: Callable[..., tuple[AppTest, Room]]) -> None:
    app, _ = page()
    labels = [one.label for one in app.expander]
    assert [label.partition(" · ")[0] for label in labels] == [str(n + 1) for n in range(len(EXERCISES))]
    answers: dict[str, Any] = {one.id: [field.id for field in one.fields] for one in EXERCISES if one.fields}
    asked = {str(widget.key) for kind in (app.text_input, app.radio) for widget in kind}
    assert {f"arg.workshop.{name}.{field}" for name, fields in answers.items() for field in fields} <= asked
