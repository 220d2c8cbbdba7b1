"""Every command that the product or a document prints can be pasted, and every link leads somewhere."""

from __future__ import annotations

import argparse
import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest

from stack.__main__ import parser
from tests.support.tracked import ROOT, tracked

_QUOTED = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

ELSEWHERE = ("vault ", "bao ")
"""Programs that nobody has by these names: `./demo` brings `.venv/bin/bao`."""

NAMES = ("vault token", "bao server", "vault server", "vault version", "vault_client")
"""Quoted words that begin alike and are no command."""


def verbs() -> set[str]:
    (found,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return set(found.choices)


def printing() -> list[Path]:
    """Where sentences for people stand: all code but the tests', and the documents."""
    code = [path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] not in ("tests", "benchmarks")]
    return [*code, *tracked("*.md")]


@pytest.mark.parametrize("path", printing(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_command_between_backquotes_is_one_that_is_there(path: Path) -> None:
    known = verbs()
    for quoted in _QUOTED.findall(path.read_text()):
        words = quoted.split()
        if words[:1] == ["./demo"] and len(words) > 1:
            assert words[1] in known or words[1].startswith(("<", "{")), quoted
        if quoted.startswith(".venv/bin/"):
            assert (ROOT / words[0]).exists(), quoted
        if words[:2] in (["python", "-m"], ["python3", "-m"], [".venv/bin/python", "-m"]) and len(words) > 2:
            assert words[2].startswith("<") or find_spec(words[2].strip("…,")), quoted
        assert not quoted.startswith(ELSEWHERE) or quoted.startswith(NAMES), f"nobody can paste this: {quoted}"


def anchors(document: Path) -> set[str]:
    text = _FENCE.sub("", document.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


@pytest.mark.parametrize("document", tracked("*.md"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_leads_to_a_file_and_to_a_heading_in_it(document: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", document.read_text())):
        path, _, anchor = unquote(link).partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), link
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), link
