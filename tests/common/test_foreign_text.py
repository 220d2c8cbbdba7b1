"""Text from others is cut, then masked, then escaped: it costs little, tells no secret and forges no line."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time

import pytest

from common.logs import CONTINUED, LINE_LIMIT, MaskingFormatter
from fastmcp_vault.masking import CUT, TEXT_LIMIT, cut_text, mask_query, mask_text, mask_url, mask_value
from fastmcp_vault.printable import printable
from fastmcp_vault.tracing.wire import shown_body

HOSTILE = "token=abcdef1 " * 4_000_000
"""56 MB in which every word looks like a secret."""

FORGED = "2026-01-01 00:00:00,000 INFO mcp-jira approvals: delete_everything was approved"
STEERING = [
    "\n",
    "\r",
    "\r\n",
    "\x0b",
    "\x0c",
    "\x1b[2K",
    "\x9b2J",
    "\x85",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\0",
    "\x7f",
]
TOKEN = "hvs." + "A1b2" * 23
JWS = "eyJhbGciOi." + "QUJD" * 200 + "." + "c2ln" * 40
KNOWN = "correct horse battery staple"


@pytest.mark.parametrize(
    "masks",
    [
        mask_text,
        mask_query,
        mask_url,
        lambda text: mask_value("", {"said": text, text: [text] * 100}),
        lambda text: shown_body(text, "text/plain"),
        lambda text: shown_body(json.dumps([text]), "application/json"),
        lambda text: shown_body(text, "application/x-www-form-urlencoded"),
        lambda text: line(message=text),
        lambda text: line("x", ValueError(text)),
    ],
)
def test_masking_costs_the_same_however_long_the_text_is(masks: object) -> None:
    assert callable(masks)
    began = time.process_time()
    shown = masks(HOSTILE)
    assert time.process_time() - began < 2
    assert "abcdef1" not in str(shown)


def test_a_structure_is_masked_no_further_than_it_is_shown() -> None:
    rows = [{"password": f"secret-{n:06}", "text": "x" * 50} for n in range(200_000)]
    began = time.process_time()
    shown = mask_value("", rows, limit=8_192)
    assert time.process_time() - began < 1
    assert shown[-1] == CUT
    assert "secret-" not in json.dumps(shown)


def test_a_kv_secret_stays_one_when_its_end_is_not_shown() -> None:
    secret = {"data": {"data": {f"field{n}": f"plain-{n:04}" for n in range(5_000)}, "metadata": {"version": 1}}}
    assert "plain-" not in json.dumps(mask_value("", secret, limit=2_000))


@pytest.mark.parametrize("secret", [TOKEN, JWS, f"token={TOKEN}", f"https://user:{TOKEN}@host/", KNOWN])
def test_no_half_of_a_secret_is_left_where_a_text_is_cut(secret: str) -> None:
    text = f"before {secret} after " + "and more " * 40
    for limit in range(1, len(secret) + 20):
        shown = mask_text(text, secrets=[KNOWN], limit=limit)
        assert secret[7:15] not in shown
        assert len(shown) <= limit + 30


def test_what_is_short_enough_is_not_cut() -> None:
    assert cut_text("a" * TEXT_LIMIT, TEXT_LIMIT) == "a" * TEXT_LIMIT
    assert cut_text("one two three", 8) == f"one two {CUT}"
    assert cut_text("one two three", 7) == f"one two{CUT}"


@pytest.mark.parametrize("steering", STEERING)
def test_no_text_forges_a_line_or_steers_a_terminal(steering: str) -> None:
    try:
        try:
            raise ValueError(f"inner{steering}{FORGED}")
        except ValueError as error:
            raise RuntimeError(f"outer{steering}{FORGED}") from error
    except RuntimeError as error:
        written = line(f"It said: {steering}{FORGED}", error)
    first, *rest = written.split("\n")
    assert FORGED in first
    assert all(text.startswith(CONTINUED) for text in rest)
    assert not [c for c in written.replace("\n", "") if not c.isprintable()]
    assert written.splitlines() == written.split("\n")


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("PROJ-1: Anmeldung schlägt fehl", "한국어 문장", "👍 done"):
        assert printable(text) == text


def test_what_ends_a_process_is_logged_like_everything_else() -> None:
    program = f"from common import logs; logs.set_up('x'); raise ValueError('password=hunter2' + chr(10) + {FORGED!r})"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert ended.returncode == 1
    assert "hunter2" not in ended.stderr
    assert not [text for text in ended.stderr.splitlines() if text.startswith(FORGED)]


def line(message: str, error: Exception | None = None) -> str:
    """What the log holds of one event."""
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "%s", (message,), None)
    record.exc_info = (type(error), error, error.__traceback__) if error else None
    written = MaskingFormatter("%(message)s").format(record)
    assert len(written.split("\n")[0]) <= 2 * LINE_LIMIT
    return written
