"""The attack lab's page for results that the test decides: good only when everything was sent and blocked."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.lab.attack import AttackResult, Verdict
from app.lab.board import board, summary
from app.lab.catalog import ATTACKS, BY_ID, CONTROLS
from app.lab.people import LabClosed
from app.session import Visit
from tests.app.conftest import ALICE, FRAME
from tests.app.test_pages import shown

VIEW = "app.view.lab_view"


def result(attack: str, verdict: Verdict, said: str = "no") -> AttackResult:
    return AttackResult(attack, verdict, 403, said, "c0ffee", 1_790_000_000.0, 12.0)


def as_expected() -> dict[str, AttackResult]:
    return {attack.id: result(attack.id, attack.expected) for attack in (*CONTROLS, *ATTACKS)}


def rows(results: dict[str, AttackResult]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for group in board(results)["groups"] for row in group["rows"]}


def test_the_verdict_is_good_only_when_everything_was_sent_and_blocked() -> None:
    assert summary({})[0] == "none"
    every = as_expected()
    kind, text = summary(every)
    assert kind == "good"
    assert f"All {len(ATTACKS) - 1} attacks were blocked" in text
    for missing in ("expired", "good-token"):
        assert summary({name: found for name, found in every.items() if name != missing})[0] == "part"


@pytest.mark.parametrize("verdict", ["passed", "unclear"])
def test_one_attack_that_was_not_blocked_is_named_above_everything(verdict: Verdict) -> None:
    kind, text = summary(as_expected() | {"others-path": result("others-path", verdict)})
    assert kind == "bad"
    assert "Not blocked: Somebody else's path" in text


def test_servers_that_refuse_everybody_prove_nothing() -> None:
    kind, text = summary(as_expected() | {"own-query": result("own-query", "unclear")})
    assert kind == "bad"
    assert "no verdict counts" in text


def test_what_is_to_get_through_is_told_from_what_should_not() -> None:
    states = {name: row["state"] for name, row in rows(as_expected()).items()}
    assert (states["good-token"], states["local"], states["expired"]) == ("control", "lesson", "blocked")
    assert {name for name in states if states[name] == "lesson"} == {"local"}
    assert rows({"expired": result("expired", "passed")})["expired"]["word"] == "got through"


def test_every_attack_stands_on_the_board_once() -> None:
    found = [row["id"] for group in board({})["groups"] for row in group["rows"]]
    assert sorted(found) == sorted(BY_ID)


@pytest.fixture
def lab(
    app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[AttackResult]], AppTest]:
    """The page, alice looking at it, with servers that answer so."""

    people = SimpleNamespace(attacker=SimpleNamespace(username="alice"), victim=SimpleNamespace(username="b[o]b"))
    monkeypatch.setattr(f"{VIEW}.place", lambda process, asking: people)
    looked_up(Visit(person=ALICE, cookie="opaque"))

    def open_with(answers: list[AttackResult]) -> AppTest:
        monkeypatch.setattr(
            f"{VIEW}.run", lambda where, chosen: [a for a in answers if a.attack in {one.id for one in chosen}]
        )
        app.run()
        return app.switch_page(str(FRAME.parent / "attack_lab.py")).run()

    return open_with


def drawn(app: AppTest) -> dict[str, Any]:
    (found,) = [e.proto.json for e in app.get("bidi_component") if e.proto.component_name == "board"]
    data: dict[str, Any] = json.loads(found)
    return data


def test_sending_all_shows_the_verdict_first(lab: Callable[[list[AttackResult]], AppTest]) -> None:
    page = lab(list(as_expected().values()))
    assert "nothing was sent yet" in shown(page)
    assert "The victim is b[o]b." in shown(page)
    page.button(key="lab.all").click().run()
    assert not page.exception
    assert "attacks were blocked" in page.success[0].value
    assert drawn(page)["groups"][1]["rows"][0]["result"]["said"] == "no"
    page.button(key="lab.forget").click().run()
    assert not page.success
    assert drawn(page)["groups"][1]["rows"][0]["result"] is None


def test_an_attack_that_got_through_is_an_alarm(lab: Callable[[list[AttackResult]], AppTest]) -> None:
    page = lab([*(as_expected() | {"tampered": result("tampered", "passed", "welcome")}).values()])
    page.button(key="lab.all").click().run()
    assert not page.success
    assert "The name written over" in page.error[0].value


def test_the_lab_says_why_it_is_closed(
    lab: Callable[[list[AttackResult]], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(process: object, asking: str) -> None:
        raise LabClosed("The lab is closed.", fix="Use the demo.")

    monkeypatch.setattr(f"{VIEW}.place", closed)
    page = lab([])
    assert "The lab is closed. Use the demo." in shown(page)
    assert "lab.all" not in [button.key for button in page.button]
