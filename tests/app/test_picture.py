"""The picture: the same steps as the trace, parts that are down, a person's last call; the one in the documents too."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from app import picture
from app.stage import of_call
from app.stage import picture as on_stage
from app.texts import LANGUAGES, speaking
from fastmcp_vault.tracing import STEPS, Recorder, Trace, recording, skipped, step
from stack.layout import ROOT

CALL = ("login", "jwt", "server-token", "mcp-request", "token-exchange", "vault-login", "credential", "backend")


def groups(name: str, **given: Any) -> dict[str, ET.Element]:
    parsed = ET.fromstring(picture.svg(**given))
    return {found.attrib[name]: found for found in parsed.iter() if name in found.attrib}


def test_the_steps_are_those_of_the_trace() -> None:
    assert {str(STEPS[kind].number) for kind in CALL} == set(groups("data-step"))
    assert [said["number"] for said in picture.steps()] == sorted({STEPS[kind].number for kind in CALL})


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_well_formed_and_says_every_part_in_each_language(language: str) -> None:
    with speaking(language):
        parts = groups("data-part")
        assert set(parts) == set(picture.CALL.boxes)
        assert all("".join(part.itertext()).strip() for part in parts.values())


def test_a_part_that_does_not_answer_says_so() -> None:
    parts = groups("data-part", down={"vault"})
    assert "does not answer" in "".join(parts["vault"].itertext())
    assert "does not answer" not in "".join(parts["keycloak"].itertext())


def call(*, reaching: int, server: str = "jira") -> Trace:
    recorder = Recorder("Jira: get_issue")
    with recording(recorder):
        for kind in CALL:
            whose = "" if kind in ("login", "jwt") else server
            if STEPS[kind].number > reaching:
                skipped(kind, "Not reached.", server=whose)
            else:
                with step(kind, server=whose):
                    pass
    return recorder.trace


def test_after_a_call_it_bears_the_signs_of_that_call() -> None:
    shown = on_stage(call(reaching=5), ())
    assert [row["status"] for row in shown["steps"]] == ["done"] * 5 + ["skipped"] * 2
    assert "Jira: get_issue" in shown["last"]
    assert 's-skipped" data-step="7"' in shown["svg"]


@pytest.mark.parametrize("server", ["github", "postgres"])
def test_a_call_of_whichever_server_is_on_it(server: str) -> None:
    assert set(of_call(call(reaching=7, server=server)).values()) == {"done"}


def test_a_trace_of_something_else_leaves_it_as_it_is() -> None:
    recorder = Recorder("Audit")
    with recording(recorder), step("own-secret"):
        pass
    assert not of_call(recorder.trace)
    assert not on_stage(recorder.trace, ())["last"]


def test_the_picture_in_the_documents_is_this_one() -> None:
    spec = importlib.util.spec_from_file_location("picture_script", ROOT / "docs" / "picture.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.FILE.read_text() == script.made(), "run `.venv/bin/python docs/picture.py`"
