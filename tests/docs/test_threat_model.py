"""The threat model names the tests that prove it: each exists, each threat has one, each list is read both ways."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from stack.layout import ROOT

DOCUMENT = (ROOT / "docs/THREAT_MODEL.md").read_text()

_REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:\[[^\]`]*\])?`")
_THREAT = re.compile(r"^\| (T\d+) (.*) \|$", re.MULTILINE)
_RISK = re.compile(r"\b(?:MCP|ASI)\d\d\b")


def _threats() -> dict[str, list[str]]:
    """The cells of each threat's row, by its number."""
    return {number: [cell.strip() for cell in row.split(" | ")] for number, row in _THREAT.findall(DOCUMENT)}


def _numbers(text: str) -> Iterator[str]:
    """T1, T3-T5 and the like, one by one."""
    for first, last in re.findall(r"\bT(\d+)(?:–T(\d+))?", text):
        yield from (f"T{number}" for number in range(int(first), int(last or first) + 1))


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = _REFERENCE.findall(DOCUMENT)
    assert len(named) >= 60
    assert DOCUMENT.count("`tests/") == len(named), "a reference is not of the form `path::test`"
    missing = []
    for path, name in named:
        file = ROOT / path
        tree = ast.parse(file.read_text()) if file.is_file() else ast.Module([], [])
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        if not name.startswith("test_") or name not in tests:
            missing.append(f"{path}::{name}")
    assert not missing


def test_every_threat_says_what_stops_it_and_which_test_proves_it() -> None:
    threats = _threats()
    assert list(threats) == [f"T{number}" for number in range(1, len(threats) + 1)]
    for number, (threat, mechanism, tests, *_) in threats.items():
        assert threat, number
        assert mechanism, number
        assert _REFERENCE.search(tests), f"{number} has no test"


def test_each_list_leads_to_the_threats_that_lead_to_it() -> None:
    threats = _threats()
    forth = {(number, risk) for number, cells in threats.items() for risk in _RISK.findall(cells[-1])}
    back = set()
    for row in re.findall(r"^\| ((?:MCP|ASI)\d\d) .* \| (.*) \|$", DOCUMENT, re.MULTILINE):
        back |= {(number, row[0]) for number in _numbers(row[1])}
    assert forth == back
    listed = {risk for _, risk in back} | {"ASI06"}
    assert listed == {f"{name}{n:02}" for name in ("MCP", "ASI") for n in range(1, 11)}
