"""The twelve questions of docs/teaching.md: every sentence that answers one stands on the page, with live values."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from stack.layout import ROOT
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person

ROW = re.compile(r"^\| (\d+) \| .* \| (“.*”) \|$", re.MULTILINE)
LIVE = {
    "id": r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    "time": r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d \S+",
    "n": r"\d+",
    "…": r"[^\n]*?",
    "other": r"[a-z][\w-]*",
}


def answers() -> dict[int, list[str]]:
    """The sentences of the document, by the number of the question."""
    rows = ROW.findall((ROOT / "docs/teaching.md").read_text())
    return {int(number): re.findall(r"“([^”]*)”", said) for number, said in rows}


def missing(me: Visitor, person: Person, *questions: int) -> list[str]:
    """The sentences that the page does not show."""
    words, live = " ".join(me.words().split()), {**LIVE, "me": re.escape(person.username)}
    wanted = [said for question in questions for said in answers()[question]]
    return [said for said in wanted if not re.search(pattern(said, live), words)]


def pattern(said: str, live: dict[str, str]) -> str:
    """A sentence whose ‹words› stand for live values, as a regular expression."""
    parts = re.split(r"‹([^›]*)›", said)
    return "".join(live[part] if n % 2 else re.escape(part) for n, part in enumerate(parts))


def test_every_question_is_answered_by_a_sentence_on_the_page(visitor: Callable[[], Visitor], person: Person) -> None:
    assert sorted(answers()) == list(range(1, 13))
    me = visitor()
    me.sign_in(person)
    me.load("Jira", "PostgreSQL")
    assert not missing(me, person, *range(1, 9))
    assert not any(said.startswith("reused") for said in me.messages()), "the first trace shows every step done"

    me.message("6 · Read this person's credential").click()
    me.page.locator("[data-attempt=jira]").click()
    expect(me.page.locator(".proof")).to_contain_text("403", timeout=PATIENCE)
    assert not missing(me, person, 9)

    me.page.get_by_role("button", name="PostgreSQL ✓").click()
    me.message("6 · Make a database user for this person").wait_for()
    assert not missing(me, person, 10)

    me.press_for_trace(me.tool("jira", "list_projects").get_by_role("button", name="Execute"))
    assert not missing(me, person, 11)

    action = me.trace_id()
    me.page.get_by_role("link", name="Find it in Vault's audit log").click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text("Audit", timeout=PATIENCE)
    me.sees(action)
    me.settled()
    assert not missing(me, person, 12)
    assert action in me.words()
