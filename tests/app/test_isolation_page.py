"""The isolation page for cells that the test decides: a leak is an alarm, and it stands above everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.lab.isolation import THINGS, Cell, State
from app.session import Visit
from fastmcp_vault.errors import SessionEnded
from tests.app.conftest import ALICE, FRAME
from tests.app.test_pages import shown

VIEW = "app.view.isolation_view"


def row(others: State = "refused") -> list[Cell]:
    return [
        Cell("alice", owner, thing, "own" if owner == "alice" else others, 200, "said", "alice", "c0ffee", None)
        for owner in ("alice", "b[o]b")
        for thing in THINGS
    ]


@pytest.fixture
def page(
    app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[Cell]], AppTest]:
    """The page, alice looking at it, with servers that answer so."""

    monkeypatch.setattr(f"{VIEW}.rows.names", lambda process, me: ["alice", "b[o]b"])
    looked_up(Visit(person=ALICE, cookie="opaque"))

    def open_with(answers: Any) -> AppTest:
        monkeypatch.setattr(f"{VIEW}.rows.my_row", lambda process, cookie, owners: answers)
        app.run()
        return app.switch_page(str(FRAME.parent / "isolation.py")).run()

    return open_with


def drawn(app: AppTest) -> dict[str, Any]:
    (found,) = [e.proto.json for e in app.get("bidi_component") if e.proto.component_name == "sheet"]
    data: dict[str, Any] = json.loads(found)
    return data


def test_the_verdict_stands_first_and_the_sheet_keeps_its_place(page: Callable[[list[Cell]], AppTest]) -> None:
    app = page(row())
    assert "Nothing has been tried yet." in shown(app)
    before = drawn(app)
    assert {cell["state"] for line in before["rows"] for cell in line["cells"]} == {"waiting"}
    app.button(key="iso.try").click().run()
    assert not app.exception
    assert "of 8 things that are somebody else's, none opened" in app.success[0].value
    after = drawn(app)
    assert [line["label"] for line in after["rows"]] == [line["label"] for line in before["rows"]]


def test_a_leak_is_an_alarm(page: Callable[[list[Cell]], AppTest]) -> None:
    app = page(row("leak"))
    app.button(key="iso.try").click().run()
    assert not app.success
    assert "Not isolated: 8 things" in shown(app)
    assert app.error
    assert drawn(app)["rows"][1]["cells"][0]["state"] == "leak"


def test_the_proof_of_the_cell_that_the_address_names_is_there(page: Callable[[list[Cell]], AppTest]) -> None:
    app = page(row())
    app.button(key="iso.try").click().run()
    app.query_params["cell"] = f"alice:alice:{THINGS[0].id}"
    app.run()
    (proof,) = drawn(app)["detail"]
    assert proof["title"] == "secret/data/users/alice/jira"


def test_why_nothing_could_be_tried_is_a_sentence(page: Callable[[Any], AppTest]) -> None:
    app = page(SessionEnded("Your session has ended.", fix="Sign in again."))
    app.button(key="iso.try").click().run()
    assert not app.exception
    assert "Your session has ended. Sign in again." in shown(app)
