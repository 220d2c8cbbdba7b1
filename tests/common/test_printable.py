"""Foreign text in log lines and on terminals: nothing in it acts, and nothing in it begins a line."""

from __future__ import annotations

import io
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmcp_vault.printable import printable, show

ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of characters that a terminal or a log viewer obeys."""


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\nb\r\x1b[2J", r"a\nb\r\x1b[2J"),
        ("\x1b]8;;http://evil.example\x07link", r"\x1b]8;;http://evil.example\x07link"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("client\u202etxt.exe\u2066", r"client\u202etxt.exe\u2066"),
        ("two\u2028lines\u2029\x85", r"two\u2028lines\u2029\x85"),
        ("half \ud83d", r"half \ud83d"),
        ("앨리스 alice@example.com \u00e9 …", "앨리스 alice@example.com \u00e9 …"),
    ],
)
def test_what_would_act_is_shown_and_the_rest_stays(given: str, shown: str) -> None:
    assert printable(given) == shown


def test_no_character_that_acts_is_left_of_all_that_there_are() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert {unicodedata.category(c) for c in printable(every)}.isdisjoint(ACTING)


@given(st.text())
def test_a_line_of_ours_stays_one_line(foreign: str) -> None:
    out = io.StringIO()
    show(f"- {foreign}", "end", file=out)
    assert len(out.getvalue().splitlines()) == 2


def test_a_traceback_keeps_its_lines_where_it_is_asked_for() -> None:
    assert printable("one\ntwo\x1b[0m\t", keep="\n\t") == "one\ntwo\\x1b[0m\t"
