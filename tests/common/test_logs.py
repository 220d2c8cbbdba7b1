"""An event is one line, as text or as JSON, with the call that it belongs to."""

from __future__ import annotations

import io
import json
import logging

import pytest

from common.logs import ID_LIMIT, GatheringHandler, JsonFormatter, MaskingFormatter
from fastmcp_vault import correlation, tracing
from fastmcp_vault.tracing import Recorder
from fastmcp_vault.tracing.logged import CorrelationFilter
from tests.support.eventually import eventually

FORGED = "\n2026-01-01 00:00:00 INFO app: all is well\x1b[2J\u2028"


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    made = logging.LogRecord("app.x", logging.ERROR, "f", 1, "%s", (message,), None, func="work")
    made.exc_info = (type(error), error, error.__traceback__) if error else None
    assert CorrelationFilter().filter(made)
    return made


def test_json_is_one_object_a_line_masked_and_escaped() -> None:
    error = ValueError(f"password=hunter2{FORGED}")
    with correlation.carrying(f"click-1{FORGED}{'x' * 200}"):
        written = JsonFormatter("app").format(record(f"It said: api_token=abcdefghijklmnop{FORGED}", error))
    assert len(written.splitlines()) == 1
    event = json.loads(written)
    assert {"timestamp", "severity_text", "service.name", "event.name", "correlation_id", "body"} <= event.keys()
    assert (event["service.name"], event["severity_text"], event["event.name"]) == ("app", "ERROR", "app.x.work")
    assert event["severity_number"] == 17
    assert "abcdefghijklmnop" not in written
    assert "hunter2" not in written
    assert not [c for text in event.values() for c in str(text) if not c.isprintable()]
    assert event["correlation_id"].startswith("click-1")


@pytest.mark.parametrize("known", ["click-1", ""])
def test_a_line_of_text_ends_with_the_call_that_it_belongs_to(known: str) -> None:
    with correlation.carrying(known or None):
        written = MaskingFormatter("%(message)s").format(record("done"))
    assert written == ("done [click-1]" if known else "done")


def test_an_action_that_is_recorded_is_the_call_that_it_belongs_to() -> None:
    recorder = Recorder("x")
    with tracing.recording(recorder):
        assert MaskingFormatter("%(message)s").format(record("done")) == f"done [{recorder.trace.id}]"


def test_a_stranger_s_id_is_cut_and_escaped() -> None:
    with correlation.carrying(f"a{FORGED}{'b' * 500}"):
        (line,) = MaskingFormatter("%(message)s").format(record("done")).splitlines()
    assert len(line) < 2 * ID_LIMIT


async def test_lines_are_written_together_a_moment_later_and_a_warning_at_once_behind_them() -> None:
    out = io.StringIO()
    soon, late = (GatheringHandler(logging.StreamHandler(out), seconds=seconds) for seconds in (0.01, 60))
    log = logging.Logger("app.x")
    log.addHandler(soon)
    log.info("first")
    await eventually(lambda: out.getvalue() == "first\n")
    log.removeHandler(soon)
    log.addHandler(late)
    log.info("second")
    assert out.getvalue() == "first\n"
    log.warning("third")
    assert out.getvalue().splitlines() == ["first", "second", "third"]
    log.info("last")
    for handler in (soon, late):
        handler.close()
    assert out.getvalue().splitlines()[-1] == "last"
